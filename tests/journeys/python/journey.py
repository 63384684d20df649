"""Two people talk, by nothing but Python's own HTTP client and python-socketio.

python journey.py API_URL IO_URL. Ends with status 0 where everything was as the documents say.
"""

import json
import queue
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

import socketio

API, IO = sys.argv[1:3]
PATIENCE = 20


def rest(method, path, body=None, token=None):
    """One call under /api/v1: status and JSON of its answer."""
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{API}/api/v1{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            status, text = response.status, response.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    return status, json.loads(text) if text else None


def mailed_code(email):
    for _ in range(PATIENCE * 10):
        url = f"{API}/dev/inbox?to={urllib.parse.quote(email)}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as response:
            mails = json.load(response)["items"]
        if mails:
            return re.search(r"\b\d{6}\b", mails[0]["text"]).group()
        time.sleep(0.1)
    raise AssertionError(f"no mail to {email}")


class Person:
    """Somebody who signs up by a mailed code and opens a socket."""

    def __init__(self, name):
        email = f"{name.lower()}.{uuid.uuid4()}@example.test"
        status, flow = rest("POST", "/auth/code", {"email": email})
        assert status == 202, flow
        code = {"flowId": flow["flowId"], "code": mailed_code(email), "name": name}
        status, signed_in = rest("POST", "/auth/verify", code)
        assert status == 200, signed_in
        self.id = signed_in["user"]["id"]
        self.token = signed_in["accessToken"]
        self.heard = queue.Queue()
        self.socket = socketio.Client(reconnection=False)
        for event in ("ready", "chat:entry", "user:entry", "receipt", "typing"):
            self.socket.on(event, lambda payload, event=event: self.heard.put((event, payload)))
        self.socket.connect(IO, auth={"token": self.token}, transports=["websocket"])
        self.ready = self.wait_for("ready")
        assert self.ready["userId"] == self.id, self.ready

    def wait_for(self, event, wanted=lambda payload: True):
        """The next event of this name that is wanted; what comes before it is passed over."""
        end = time.monotonic() + PATIENCE
        while True:
            name, payload = self.heard.get(timeout=max(0.01, end - time.monotonic()))
            if name == event and wanted(payload):
                return payload

    def entry(self, chat_id, kind):
        return self.wait_for("chat:entry", lambda entry: entry["chatId"] == chat_id and entry["type"] == kind)

    def ask(self, event, payload):
        """What the server acknowledges: { ok, data } or { ok, error }."""
        return self.socket.call(event, payload, timeout=PATIENCE)

    def do(self, event, payload):
        answer = self.ask(event, payload)
        assert answer["ok"], answer
        return answer["data"]


def refused_without_token():
    stranger = socketio.Client(reconnection=False)
    told = queue.Queue()
    stranger.on("connect_error", told.put)
    try:
        stranger.connect(IO, auth={"token": "nobody's"}, transports=["websocket"])
    except socketio.exceptions.ConnectionError:
        pass
    refusal = told.get(timeout=PATIENCE)
    assert refusal["data"]["code"] == "unauthenticated", refusal
    assert not stranger.connected


def main():
    refused_without_token()
    ann, bob = Person("Ann"), Person("Bob")

    status, chat = rest("POST", "/chats", {"type": "direct", "memberIds": [bob.id]}, ann.token)
    assert status == 201, chat
    chat_id = chat["id"]
    assert ann.entry(chat_id, "chat.created")["rev"] == 1
    assert bob.entry(chat_id, "chat.created")["rev"] == 1

    # Sent twice under one name, it is one message.
    hello = {"chatId": chat_id, "clientMessageId": "hello-1", "text": "Hello Bob"}
    sent = ann.do("message:send", hello)["message"]
    assert ann.do("message:send", hello)["message"]["id"] == sent["id"]
    seen = bob.entry(chat_id, "message.sent")
    assert (seen["rev"], seen["data"]["message"]["text"]) == (2, "Hello Bob"), seen

    bob.do("typing", {"chatId": chat_id, "typing": True})
    assert ann.wait_for("typing")["userId"] == bob.id

    here = {"chatId": chat_id, "messageId": sent["id"]}
    edited = ann.do("message:edit", {**here, "text": "Hello, Bob!"})["message"]
    assert edited["text"] == "Hello, Bob!" and edited["editedAt"], edited
    assert bob.entry(chat_id, "message.edited")["data"]["text"] == "Hello, Bob!"

    reacted = bob.do("message:react", {**here, "emoji": "👍"})["message"]
    assert reacted["reactions"] == [{"emoji": "👍", "count": 1, "mine": True}], reacted
    assert ann.entry(chat_id, "reaction.added")["by"] == bob.id

    moved = bob.do("receipts", {"read": {chat_id: sent["seq"]}})
    assert moved["chats"][chat_id]["readSeq"] == sent["seq"], moved
    receipt = ann.wait_for("receipt", lambda told: told["receipt"]["userId"] == bob.id)
    assert receipt["receipt"]["readSeq"] == sent["seq"], receipt

    # What somebody missed who knows the chat up to rev 2.
    missed = bob.do("sync", {"epoch": bob.ready["epoch"], "userRev": 0, "chats": {chat_id: 2}})
    [part] = missed["chats"]
    assert [entry["type"] for entry in part["entries"]] == ["message.edited", "reaction.added"], part
    assert (part["rev"], missed["more"]) == (4, False), missed

    gone = ann.do("message:delete", here)["message"]
    assert gone["text"] == "" and gone["deletedAt"] and gone["reactions"] == [], gone
    assert bob.entry(chat_id, "message.deleted")["rev"] == 5

    # What is wrong is named, field by field.
    wrong = ann.ask("message:send", {"chatId": chat_id, "clientMessageId": "a b"})
    assert not wrong["ok"] and wrong["error"]["code"] == "bad_input", wrong
    assert {error["field"] for error in wrong["error"]["errors"]} == {"clientMessageId", "text"}, wrong

    # The same log by REST.
    status, log = rest("GET", f"/chats/{chat_id}/entries?after=0", token=bob.token)
    assert status == 200 and [entry["rev"] for entry in log["items"]] == [1, 2, 3, 4, 5], log
    assert log["items"][1]["data"]["message"]["text"] == "", log

    ann.socket.disconnect()
    bob.socket.disconnect()


if __name__ == "__main__":
    main()
