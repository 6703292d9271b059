"""Audio ports: a microphone and a speaker, WAV files, and a port for tests."""
