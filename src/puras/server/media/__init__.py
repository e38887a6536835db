"""Images, videos, audio and transcripts: what may be asked for, who makes it, and its price."""
