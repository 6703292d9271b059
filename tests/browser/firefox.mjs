// Holds a typed conversation in Firefox: node firefox.mjs EXECUTABLE PAGE_URL TEXT ANSWER
import puppeteer from "../../.tools/web/node_modules/puppeteer-core/lib/esm/puppeteer/puppeteer-core.js";

const [executablePath, url, text, answer] = process.argv.slice(2);
const errors = [];

const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true });
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(url);
  await page.locator("::-p-aria([name='Sign in'][role='button'])").click();
  await page.locator("::-p-aria([name='Type instead'][role='button'])").click();
  await page.locator("::-p-text(Ready)").wait();
  await page.locator("#message").fill(text);
  await page.keyboard.press("Enter");
  await page.locator(`::-p-text(${answer})`).wait();
  await page.locator("::-p-aria([name='Hang up'][role='button'])").click();
  await page.locator("::-p-text(Call ended)").wait();
} finally {
  await browser.close();
}
if (errors.length > 0) {
  process.stderr.write(`${errors.join("\n")}\n`);
  process.exitCode = 1;
}
