-- The last transaction that each connection committed: it tells what became of a commit whose answer
-- was lost. Pages keep room, so that a row that changes all the time stays where it is.
CREATE TABLE commits (
    connection TEXT COLLATE "C" PRIMARY KEY,
    number BIGINT NOT NULL,
    begun_at TIMESTAMPTZ NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
