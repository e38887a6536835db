-- Which request is at work on what an Idempotency-Key will stand for, and until when that is believed
-- of it unless it says so again: a server that dies in the middle must not keep the key from others.
ALTER TABLE idempotency ADD COLUMN holder TEXT;
ALTER TABLE idempotency ADD COLUMN held_until INTEGER;
