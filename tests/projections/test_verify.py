"""`manage.py verify` and what the doctor says of tree heads: what is printed, and what the exit code will be."""

import io
import json
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from pytest_django import Settings

from commands import treehead
from commands.clock import now_ms
from commands.treehead import SigningKey, key_as_text
from config.checkups import proof as of_proof
from config.checkups.findings import Finding
from projections import signing
from projections.proof import Proof
from projections.signing import Signer
from tests.cast import ADA
from tests.projections.deployment import Deployment, execute, on_django
from tests.projections.tampering import Intruder
from tests.projections.test_signing import AT_ONCE

OTHER = SigningKey(b"\1" * 32)


@pytest.fixture
async def signed(deployment: Deployment) -> Deployment:
    """Three events, signed by this deployment, and one that is not."""
    await deployment.say(ADA, "one", "two")
    await deployment.project()
    await sign(deployment, settings.SIGNING_KEY)
    await deployment.say(ADA, "three")
    return deployment


async def sign(deployment: Deployment, key: SigningKey) -> None:
    (applier,) = await deployment.project(Proof())
    on_django(partial(Signer(key, AT_ONCE).sign, applier.position))


def verify(*options: str) -> str:
    """What is printed."""
    out = io.StringIO()
    on_django(lambda: call_command("verify", *options, stdout=out, stderr=io.StringIO()))
    return out.getvalue()


def complaint(*options: str) -> str:
    """What is said of what is wrong; the exit code is 1 then."""
    with pytest.raises(CommandError) as error:
        verify(*options)
    assert error.value.returncode == 1
    return str(error.value)


def last_head() -> treehead.SignedHead:
    head = on_django(signing.last)
    assert head is not None
    return head


async def test_it_says_what_holds_and_what_is_not_signed_yet(signed: Deployment) -> None:
    said = verify()
    assert "Events: 4. Rooms: 1." in said
    assert "Signed: 3 of these events" in said
    assert "Not signed yet: 1" in said
    assert f"Root: {last_head().head.root_hash.hex()}" in said
    assert key_as_text(settings.SIGNING_KEY.public_key) in said


async def test_it_names_what_is_wrong(signed: Deployment, database: str) -> None:
    Intruder(database).change_a_byte(2)
    said = complaint()
    assert said.startswith("changed: event 2 of room general (position 2) is not what it was")
    assert said.endswith("The store is not what it was, or not what was signed.")


async def test_programs_are_answered_in_json(signed: Deployment, database: str) -> None:
    said = json.loads(verify("--json"))
    assert (said["holds"], said["events"], said["signed"], said["unsigned"], said["findings"]) == (True, 4, 3, 1, [])
    assert treehead.from_members(said["last_head"]) == last_head()
    Intruder(database).change_a_byte(2)
    out = io.StringIO()
    with pytest.raises(CommandError):
        on_django(lambda: call_command("verify", "--json", stdout=out))
    said = json.loads(out.getvalue())
    assert (said["holds"], [found["kind"] for found in said["findings"]]) == (False, ["changed"])
    assert said["findings"][0]["events"] == [{"room": "general", "seq": 2, "position": 2}]


async def test_a_key_from_elsewhere_is_trusted_instead_of_the_servers(signed: Deployment) -> None:
    own, other = (key_as_text(key.public_key) for key in (settings.SIGNING_KEY, OTHER))
    assert "every one of them holds" in verify("--public-key", own)
    assert "every one of them holds" in verify("--public-key", own, "--public-key", other)
    assert complaint("--public-key", other).startswith("forged_head: ")
    assert "--public-key: a key is 32 bytes in base64" in complaint("--public-key", "nonsense")


async def test_heads_that_were_kept_elsewhere_count(signed: Deployment, database: str, tmp_path: Path) -> None:
    kept = tmp_path / "heads.ndjson"
    kept.write_text(json.dumps(treehead.members(last_head())) + "\n\n")
    assert "Tree heads: 1, signed by a key you trust" in verify("--heads", str(kept))
    execute("DELETE FROM tree_head")
    execute("DELETE FROM proof_tile")
    execute("DELETE FROM proof_size")
    Intruder(database).change_a_byte(2)
    assert "none was signed yet, so nothing vouches for these events" in verify()
    assert complaint("--heads", str(kept)).startswith("head_mismatch: something among the events number 1 to 3 ")


@pytest.mark.parametrize("text", ["nonsense", "{}", "[1]", '{"tree_size": 1}'])
async def test_a_file_without_heads_is_refused(signed: Deployment, tmp_path: Path, text: str) -> None:
    kept = tmp_path / "heads.ndjson"
    kept.write_text(f"{json.dumps(treehead.members(last_head()))}\n{text}\n")
    assert complaint("--heads", str(kept)).startswith("--heads: line 2: ")
    assert "--heads: " in complaint("--heads", str(tmp_path / "none"))


async def test_the_doctor_says_who_signs_and_when(signed: Deployment, settings: Settings) -> None:
    key, heads = on_django(lambda: list(of_proof.check()))
    assert (key.level, heads.level) == ("ok", "ok")
    assert key_as_text(settings.SIGNING_KEY.public_key) in key.says
    assert heads.says.startswith("3 events were signed at 2")


async def test_the_doctor_knows_of_heads_that_are_missing(deployment: Deployment) -> None:
    assert doctor() == Finding("ok", "tree heads", "nothing to sign yet")
    await deployment.say(ADA, "one")
    await deployment.project()
    assert doctor().level == "warning"
    await sign(deployment, OTHER)
    assert (doctor().level, "by another key" in doctor().says) == ("warning", True)


async def test_the_doctor_knows_when_no_more_are_signed(signed: Deployment) -> None:
    await signed.project()
    assert doctor().level == "ok"
    execute(f"UPDATE tree_head SET signed_at = {now_ms() - 100_000}")
    assert (doctor().level, "manage.py verify" in doctor().says) == ("problem", True)


def doctor() -> Finding:
    return on_django(lambda: list(of_proof.check()))[1]
