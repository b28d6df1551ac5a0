"""A mirror of published weights on this machine, with one small checkpoint that is made for it."""

import hashlib
import io
from dataclasses import replace

import torch
from misbehaving import serving

from cnnviz import networks
from cnnviz.weights import published as module


def mirror(monkeypatch, folder, network="lenet5", *ways):
    """Serves a checkpoint of `network`, as if it were published; gives the server, which is to be entered.

    The cache folder is `folder / "cache"`.
    """
    content = io.BytesIO()
    torch.save(networks.build(network, weights="random").state_dict(), content)
    file = f"{network}-{hashlib.sha256(content.getvalue()).hexdigest()[:8]}.pth"
    table = folder / "table.csv"
    table.write_text(
        "network,file,params,top1_percent,top5_percent,gmacs_at_224,megabytes\n"
        f"{network},{file},0,56.5,79.1,0.7,{len(content.getvalue()) / 2**20:.1f}\n"
    )
    monkeypatch.setattr(module, "_TABLE", table)
    monkeypatch.setenv("CNNVIZ_CACHE", str(folder / "cache"))
    entry = networks.card(network)
    monkeypatch.setitem(networks._catalogue(), network, replace(entry, checkpoint=file))
    return serving(content.getvalue(), *ways)
