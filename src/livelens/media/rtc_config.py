"""Settings of every WebRTC peer of a server."""

import msgspec

from livelens.errors import ConfigError

Bps = int


class IceServer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A STUN or TURN server, written as browsers write it."""

    urls: list[str]
    username: str | None = None
    credential: str | None = None


class RtcConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How peers are reached, and how they treat delay and bitrate.

    Attributes:
        ice_servers: none by default, so that nothing outside is ever contacted unasked.
        udp_ports: first and last UDP port to bind, both included; None leaves it to the system.
        advertised_hosts: addresses or names under which the bound ports can be reached too,
            as behind a 1:1 NAT or in a container; offered to peers before the bound ones.
        bind_hosts: local addresses to bind; None means all of them.
        include_loopback: bind 127.0.0.1 too, when `bind_hosts` is None.
        playout_delay_ms: least and greatest delay that viewers are asked to add, sent in the
            playout-delay header extension; None leaves viewers their own choice.
        audio: take a publisher's sound (Opus) and send it to who watches him.
        start_bitrate_bps: where browsers that publish begin, before they know the link.
        min_bitrate_bps: a floor under a publisher's congestion control; harmful on a weak link.
        max_bitrate_bps: a ceiling over a publisher's congestion control.
        early_release: hand a frame to the decoder at its RTP marker instead of at the first
            packet of the next frame; saves one frame interval.
        max_history_packets: packets kept for each viewer, for retransmission.
        recovery_s: how long a lost packet is waited for before a keyframe is asked for.
        connect_timeout_s: a peer not connected after this is closed.
        idle_timeout_s: a peer that no longer answers is closed after this.
        message_buffer_bytes: results waiting for a slow reader; above it he loses results.
    """

    ice_servers: list[IceServer] = []
    udp_ports: tuple[int, int] | None = None
    advertised_hosts: list[str] = []
    bind_hosts: list[str] | None = None
    include_loopback: bool = True
    playout_delay_ms: tuple[int, int] | None = (0, 0)
    audio: bool = True
    start_bitrate_bps: Bps = 2_500_000
    min_bitrate_bps: Bps | None = None
    max_bitrate_bps: Bps | None = None
    early_release: bool = True
    max_history_packets: int = 2048
    recovery_s: float = 0.5
    connect_timeout_s: float = 10.0
    idle_timeout_s: float = 10.0
    message_buffer_bytes: int = 65_536

    def __post_init__(self) -> None:
        if self.udp_ports is not None:
            first, last = self.udp_ports
            if not 1 <= first <= last <= 65535:
                raise ConfigError(f"$.udp_ports: {first}-{last} is not a range of UDP ports")
        if self.playout_delay_ms is not None:
            least, most = self.playout_delay_ms
            if not 0 <= least <= most <= 40_950:
                raise ConfigError(
                    f"$.playout_delay_ms: {least}..{most} is not a range within 0..40950"
                )
        if not 16 <= self.max_history_packets <= 32_768:
            raise ConfigError("$.max_history_packets: must be in 16..32768")
        if (self.min_bitrate_bps or 0) > (self.max_bitrate_bps or 1 << 40):
            raise ConfigError("$.min_bitrate_bps: is above max_bitrate_bps")
        for name in ("recovery_s", "connect_timeout_s", "idle_timeout_s"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"$.{name}: must be above 0")
