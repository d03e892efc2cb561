"""What the event store is in PostgreSQL: the library's table with one more column, and the function that appends.

Text sorts by its bytes (COLLATE "C"), so that an index never depends on the system's locale. What is sealed cannot be
compressed, so PostgreSQL does not try (STORAGE EXTERNAL). The table only grows: it is frozen soon after it is written,
while its pages are warm, and analysed rarely, since every plan is fixed anyway.
"""

from hashlib import sha256

TABLE = """
CREATE TABLE IF NOT EXISTS public.stored_events (
    originator_id text COLLATE "C" NOT NULL,
    originator_version bigint NOT NULL,
    topic text COLLATE "C",
    state bytea,
    notification_id bigserial,
    subject text COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (originator_id, originator_version)
) WITH (
    autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_freeze_min_age = 0,
    autovacuum_analyze_threshold = 10000,
    autovacuum_analyze_scale_factor = 0.2
)"""

# Older servers than 16 cannot say it in CREATE TABLE; those who append must not wait for what is done already.
STORAGE = """
DO $$ BEGIN
    IF 'e' <> (SELECT attstorage FROM pg_attribute
               WHERE attrelid = 'public.stored_events'::regclass AND attname = 'state') THEN
        ALTER TABLE public.stored_events ALTER COLUMN state SET STORAGE EXTERNAL;
    END IF;
END $$"""

POSITIONS = """
CREATE UNIQUE INDEX IF NOT EXISTS stored_events_notification_id_idx ON public.stored_events (notification_id)"""

SUBJECTS = """
CREATE INDEX IF NOT EXISTS stored_events_subject_idx
    ON public.stored_events (originator_id, subject, originator_version)"""

KEYS = """
CREATE TABLE IF NOT EXISTS public.person_keys (
    person text COLLATE "C" PRIMARY KEY,
    wrapped bytea,
    created_at timestamptz NOT NULL DEFAULT now()
)"""

# Streams and entries are numbered from 1, as arrays are. `known_heads` are seqs that the streams have reached for
# sure: they shorten the search. The table lock is the one that INSERT takes anyway; taken first, it keeps the heads
# true while a tool of the library inserts in its own way.
_APPEND = """
CREATE OR REPLACE FUNCTION public.{name}(
    streams text[], known_heads bigint[], entry_streams int[],
    condition_entries int[], condition_subjects text[], condition_seqs bigint[],
    event_entries int[], topics text[], subjects text[], states bytea[],
    resolve boolean
) RETURNS TABLE (entry int, seq bigint, at bigint) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    settled int[] := '{{}}';
    refused int[];
    heads bigint[];
BEGIN
    PERFORM pg_advisory_xact_lock({lock});
    LOCK TABLE public.stored_events IN ROW EXCLUSIVE MODE;

    IF resolve THEN
        settled := ARRAY(
            SELECT n.entry
            FROM unnest(event_entries, subjects, states) n (entry, subject, state)
            LEFT JOIN public.stored_events e ON e.originator_id = streams[entry_streams[n.entry]]
                AND e.subject = n.subject AND e.state = n.state
            GROUP BY n.entry HAVING count(e.notification_id) = count(*));
        RETURN QUERY
            SELECT n.entry, e.originator_version, e.notification_id
            FROM unnest(event_entries, subjects, states) WITH ORDINALITY n (entry, subject, state, no)
            JOIN public.stored_events e ON e.originator_id = streams[entry_streams[n.entry]]
                AND e.subject = n.subject AND e.state = n.state
            WHERE n.entry = ANY (settled)
            ORDER BY n.no;
    END IF;

    refused := ARRAY(
        SELECT DISTINCT c.entry
        FROM unnest(condition_entries, condition_subjects, condition_seqs) c (entry, subject, after_seq)
        WHERE c.entry <> ALL (settled) AND EXISTS (
            SELECT FROM public.stored_events e
            WHERE e.originator_id = streams[entry_streams[c.entry]]
                AND e.subject = c.subject AND e.originator_version > c.after_seq));
    RETURN QUERY SELECT r.entry, NULL::bigint, NULL::bigint FROM unnest(refused) r (entry);

    heads := ARRAY(
        SELECT coalesce(
            (SELECT e.originator_version FROM public.stored_events e
             WHERE e.originator_id = s.stream AND e.originator_version >= s.known_head
             ORDER BY e.originator_version DESC LIMIT 1),
            (SELECT e.originator_version FROM public.stored_events e
             WHERE e.originator_id = s.stream
             ORDER BY e.originator_version DESC LIMIT 1),
            0)
        FROM unnest(streams, known_heads) WITH ORDINALITY s (stream, known_head, no)
        ORDER BY s.no);

    RETURN QUERY
        WITH accepted AS MATERIALIZED (
            SELECT a.*, nextval('public.stored_events_notification_id_seq') AS at
            FROM (
                SELECT n.*, entry_streams[n.entry] AS stream,
                    heads[entry_streams[n.entry]]
                        + row_number() OVER (PARTITION BY entry_streams[n.entry] ORDER BY n.no) AS seq
                FROM unnest(event_entries, topics, subjects, states)
                    WITH ORDINALITY n (entry, topic, subject, state, no)
                WHERE n.entry <> ALL (refused) AND n.entry <> ALL (settled)
                ORDER BY n.no) a),
        inserted AS (
            INSERT INTO public.stored_events
                (originator_id, originator_version, topic, state, notification_id, subject)
            SELECT streams[a.stream], a.seq, a.topic, a.state, a.at, a.subject FROM accepted a)
        SELECT a.entry, a.seq, a.at FROM accepted a ORDER BY a.no;
    IF FOUND THEN
        PERFORM pg_notify('stored_events', currval('public.stored_events_notification_id_seq')::text);
    END IF;
END
$$"""

APPEND_LOCK = 0x7665726261746D01  # "verbatm", 1: held while a batch is checked, numbered and inserted
SCHEMA_LOCK = 0x7665726261746D02  # "verbatm", 2: held while what is missing is created

APPEND_NAME = "append_" + sha256(f"{TABLE}{STORAGE}{POSITIONS}{SUBJECTS}{KEYS}{_APPEND}".encode()).hexdigest()[:12]
"""The function's name tells its form: processes of two versions of Verbatim each call their own."""

APPEND = _APPEND.format(name=APPEND_NAME, lock=APPEND_LOCK)
