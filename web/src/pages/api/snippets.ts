/** What to copy to use a stream from elsewhere. Tests run each of these as it stands here. */

export type SnippetName =
  | "whep"
  | "curl"
  | "python"
  | "pythonVideo"
  | "javascript"
  | "node"
  | "obsWatch"
  | "obsSend";

export interface Place {
  /** The server's address, with a slash at its end. */
  base: string;
  stream: string;
  /** Null where the server asks for none. */
  token: string | null;
}

/** Stands for a token in snippets until there is one. */
export const PLACEHOLDER = "YOUR_TOKEN";

export function snippets({ base, stream, token }: Place): Record<SnippetName, string> {
  const id = encodeURIComponent(stream);
  const results = `${base}api/streams/${id}/results`;
  const whep = `${base}whep/${id}`;
  const whip = `${base}whip/${id}`;
  const bearer = token === null ? null : `Bearer ${token}`;
  const client = `${base}client/livelens.js`;
  const options = token === null ? `{ url: "${base}" }` : `{ url: "${base}", token: "${token}" }`;
  return {
    whep: lines(whep, bearer && `Authorization: ${bearer}`),
    curl: `curl -N ${bearer === null ? "" : `-H 'Authorization: ${bearer}' `}'${results}'`,
    python: pythonResults(results, bearer),
    pythonVideo: pythonVideo(whep, bearer),
    javascript: javascript(client, options, stream),
    node: node(client, options, stream),
    obsWatch: `${base}${token === null ? "" : `?token=${token}`}#/watch/${id}?bare=1`,
    obsSend: lines(`${whip}`, token),
  };
}

function lines(...all: (string | null)[]): string {
  return all.filter((line) => line !== null).join("\n");
}

function pythonResults(url: string, bearer: string | null): string {
  return lines(
    "import json",
    "import urllib.request",
    "",
    `request = urllib.request.Request("${url}")`,
    bearer && `request.add_header("Authorization", "${bearer}")`,
    "with urllib.request.urlopen(request) as lines:",
    "    for line in lines:",
    '        if line.startswith(b"data:"):',
    "            message = json.loads(line[5:])",
    '            if message["type"] == "result":',
    '                names = [found["class_name"] for found in message["objects"]]',
    '                print(message["seq"], names, flush=True)',
  );
}

function pythonVideo(url: string, bearer: string | null): string {
  return lines(
    "# pip install aiortc",
    "import asyncio",
    "import urllib.request",
    "",
    "from aiortc import RTCPeerConnection, RTCSessionDescription",
    "",
    "",
    "async def watch():",
    "    connection = RTCPeerConnection()",
    '    connection.addTransceiver("video", direction="recvonly")',
    "    await connection.setLocalDescription(await connection.createOffer())",
    "    offer = connection.localDescription.sdp.encode()",
    `    request = urllib.request.Request("${url}", offer)`,
    '    request.add_header("Content-Type", "application/sdp")',
    bearer && `    request.add_header("Authorization", "${bearer}")`,
    "    with urllib.request.urlopen(request) as answer:",
    "        sdp = answer.read().decode()",
    '    await connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))',
    "    track = connection.getReceivers()[0].track",
    "    while True:",
    "        frame = await track.recv()",
    '        print(frame.pts, frame.to_ndarray(format="bgr24").shape, flush=True)',
    "",
    "",
    "asyncio.run(watch())",
  );
}

function javascript(client: string, options: string, stream: string): string {
  return lines(
    '<video id="video" autoplay muted playsinline></video>',
    '<script type="module">',
    `  import { connect } from "${client}";`,
    "",
    `  const client = connect(${options});`,
    `  document.getElementById("video").srcObject = client.watch("${stream}").media;`,
    `  for await (const result of client.results("${stream}")) {`,
    "    console.log(result.seq, result.objects);",
    "  }",
    "</script>",
  );
}

function node(client: string, options: string, stream: string): string {
  return lines(
    `curl -o livelens.mjs ${client}`,
    "cat > results.mjs <<'END'",
    'import { connect } from "./livelens.mjs";',
    "",
    `const client = connect(${options});`,
    `for await (const result of client.results("${stream}")) {`,
    "  console.log(result.seq, result.objects.length);",
    "}",
    "END",
    "node results.mjs",
  );
}
