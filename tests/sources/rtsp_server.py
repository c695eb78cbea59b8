# mypy: ignore-errors
"""An RTSP server for tests, run with the Python that has GStreamer's bindings.

    /usr/bin/python3 rtsp_server.py --mode MODE [--user NAME --password WORD] [--keyframes N]

Serves ``/live`` on an ephemeral port of 127.0.0.1 and prints ``port N``. It obeys lines
on its standard input: ``freeze`` stops the pictures while the connection stays, ``resize``
changes their size. It ends when its standard input does. Mode ``hang`` takes connections
and never answers.
"""

import argparse
import socket
import sys
import threading


def hang() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    print("port", listener.getsockname()[1], flush=True)
    kept: list[socket.socket] = []

    def accept() -> None:
        while True:
            kept.append(listener.accept()[0])

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


def serve(user: str | None, password: str | None, keyframes: int) -> None:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer

    Gst.init(None)
    medias = []

    class Factory(GstRtspServer.RTSPMediaFactory):
        def do_create_element(self, url):
            return Gst.parse_launch(
                "( videotestsrc is-live=true pattern=ball ! capsfilter name=size "
                "caps=video/x-raw,format=I420,width=320,height=240,framerate=30/1 ! "
                "valve name=valve drop-mode=drop-all ! "
                f"x264enc tune=zerolatency speed-preset=ultrafast key-int-max={keyframes} ! "
                "rtph264pay name=pay0 pt=96 config-interval=-1 )"
            )

        def do_configure(self, media):
            GstRtspServer.RTSPMediaFactory.do_configure(self, media)
            medias.append(media)

    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = Factory()
    factory.set_shared(True)
    if user:
        auth = GstRtspServer.RTSPAuth()
        token = GstRtspServer.RTSPToken()
        token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
        basic = GstRtspServer.RTSPAuth.make_basic(user, password)
        auth.add_basic(basic, token)
        server.set_auth(auth)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", "media.factory.access", True)
        permissions.add_permission_for_role("viewer", "media.factory.construct", True)
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory("/live", factory)
    server.attach(None)
    print("port", server.get_bound_port(), flush=True)
    loop = GLib.MainLoop()

    def obey() -> None:
        for line in sys.stdin:
            command = line.strip()
            for media in medias:
                element = media.get_element()
                if command == "freeze":
                    element.get_by_name("valve").set_property("drop", True)
                elif command == "resize":
                    caps = Gst.Caps.from_string(
                        "video/x-raw,format=I420,width=480,height=360,framerate=30/1"
                    )
                    element.get_by_name("size").set_property("caps", caps)
            print("done", command, flush=True)
        GLib.idle_add(loop.quit)

    threading.Thread(target=obey, daemon=True).start()
    loop.run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=["serve", "hang"], default="serve")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--keyframes", type=int, default=30)
    given = parser.parse_args()
    if given.mode == "hang":
        hang()
    else:
        serve(given.user, given.password, given.keyframes)
