"""Audio ports: a microphone and a speaker, and WAV files."""
