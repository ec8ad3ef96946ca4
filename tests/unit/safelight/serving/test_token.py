"""One token for all processes of an installation, whichever comes first."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from safelight.serving.token import engine_token, link_key
from safelight.settings import ApiSettings, EngineSettings, Settings


def test_the_token_is_made_once_and_is_the_owners_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new")
    with ThreadPoolExecutor(8) as pool:
        found = {token.get_secret_value() for token in pool.map(lambda _: engine_token(settings), range(16))}
    assert len(found) == 1
    assert len(found.pop()) >= 40
    [file] = (tmp_path / "new").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_token_of_the_settings_leaves_no_file(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, engine=EngineSettings(token="chosen"))
    assert engine_token(settings).get_secret_value() == "chosen"
    assert list(tmp_path.iterdir()) == []


def test_links_are_signed_with_a_secret_of_their_own(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert link_key(settings) == link_key(settings) != engine_token(settings)
    assert link_key(Settings(data_dir=tmp_path, api=ApiSettings(link_key="chosen"))).get_secret_value() == "chosen"
