"""The node's home and settings as the commands need them, every fault as a `Stop`.

Comes in: a session. Goes out: a `Home` and its `Settings`. Creates nothing.
"""

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.grammar import Session
from p2p_sos.drivers.home import Home
from p2p_sos.drivers.settings import Settings, SettingsWrong
from p2p_sos.drivers.settings_file import load_settings


def home_of(session: Session) -> Home:
    """The home as the drivers know it."""
    return Home(session.home)


def settings_of(session: Session) -> Settings:
    """The settings of a home that exists. `Stop` 66 without a home, 78 with every fault of the file."""
    home = home_of(session)
    if not home.is_made():
        raise Stop(f"{home.root} is not prepared; run: {session.named('init')}", exits.NO_SUCH, "no-home")
    try:
        return load_settings(home.settings_path)
    except SettingsWrong as wrong:
        raise wrong_settings(wrong) from wrong


def wrong_settings(wrong: SettingsWrong) -> Stop:
    """Every fault of a settings file, a line each."""
    number = len(wrong.faults)
    heading = "One setting is wrong" if number == 1 else f"{number} settings are wrong"
    listed = "\n".join(f"  {fault}" for fault in wrong.faults)
    return Stop(f"{heading} in {wrong.file}; set right what follows and try again:\n{listed}", exits.SETTINGS)
