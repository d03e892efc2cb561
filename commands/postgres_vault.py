"""People's keys on PostgreSQL: a table beside the store's, in the same database."""

from collections.abc import Mapping, Sequence

from commands.postgres import PostgresStore

_READ = "SELECT person, wrapped FROM public.person_keys WHERE person = ANY($1)"
# In one order: two processes that add some of the same people do not wait for each other in a circle.
_ADD = (
    "INSERT INTO public.person_keys (person, wrapped) SELECT * FROM unnest($1::text[], $2::bytea[]) "
    "ON CONFLICT (person) DO NOTHING RETURNING person"
)
_DESTROY = (
    "INSERT INTO public.person_keys (person, wrapped) SELECT person, NULL FROM unnest($1::text[]) gone (person) "
    "ON CONFLICT (person) DO UPDATE SET wrapped = NULL WHERE person_keys.wrapped IS NOT NULL RETURNING person"
)


class PostgresVault:
    """The `KeyVault` in a store's database: as durable as the store, and reached through its connections."""

    def __init__(self, store: PostgresStore) -> None:
        self._database = store.reading

    async def open(self) -> None:
        """Nothing to do: the store has created the table, and connects."""

    async def close(self) -> None:
        """Nothing to do: the connections are the store's."""

    async def read(self, persons: Sequence[str]) -> Mapping[str, bytes | None]:
        """See `KeyVault.read`. Raises: StoreUnavailable."""
        return dict(await self._database.select(_READ, [list(persons)], lambda row: (row[0], row[1])))

    async def add(self, keys: Mapping[str, bytes | None]) -> Mapping[str, bytes | None]:
        """See `KeyVault.add`. Raises: StoreUnavailable."""
        persons = sorted(keys)
        await self._database.select(_ADD, [persons, [keys[person] for person in persons]], tuple)
        return await self.read(persons)

    async def destroy(self, persons: Sequence[str]) -> None:
        """See `KeyVault.destroy`; dead rows stay in the table's file until it is vacuumed. Raises: StoreUnavailable."""
        await self._database.select(_DESTROY, [sorted(set(persons))], tuple)
