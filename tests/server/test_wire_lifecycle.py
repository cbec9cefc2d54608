"""One server per folder, on the loopback, with its own token, gone when nobody needs it."""

import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import urllib.request

import pytest

from tests.server.served import rows, wait_until
from tunectl.server.folder import is_locked, read_json
from tunectl.server.serve import ServeError
from tunectl.server.start import ensure_server, find_server


def run(*options):
    command = [sys.executable, "-m", "tunectl.server", *map(str, options)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=30)


def test_a_second_server_on_the_folder_is_refused_and_told_of_the_first(server):
    second = run("--root", server.root.path)
    assert second.returncode == 1
    assert str(server.process.pid) in second.stderr
    assert server.endpoint.url in second.stderr
    assert "Traceback" not in second.stderr
    assert server.client.models.list().data


def test_a_folder_is_open_to_its_owner_only(server):
    assert stat.S_IMODE(server.root.token_file.stat().st_mode) == 0o600
    assert len(server.root.token()) == 64
    assert server.root.account().startswith("local-")


def test_it_listens_on_the_loopback_only(server):
    port = read_json(server.root.server_file)["port"]
    with open("/proc/net/tcp", encoding="ascii") as table:
        listeners = [line.split()[1] for line in table if line.split()[3] == "0A"]
    assert [address for address in listeners if address.endswith(f":{port:04X}")] == [
        f"0100007F:{port:04X}"
    ]


def test_it_tells_who_it_is(server):
    status, body = server.http("GET", "/tunectl/status")
    assert status == 200
    assert body["account"] == server.root.account()
    assert body["trainer"] == "simulated"
    assert body["slot"] in {"free", "busy"}


def test_a_taken_port_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = run("--root", tmp_path / "root", "--port", port)
    assert refused.returncode == 1
    assert f"127.0.0.1:{port}" in refused.stderr
    assert "it is taken" in refused.stderr
    assert not (tmp_path / "root/server.json").exists()


def test_a_folder_that_cannot_be_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    refused = run("--root", tmp_path / "file" / "root")
    assert refused.returncode == 1
    assert "cannot use the folder" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_no_space_is_named():
    refused = run("--root", "/dev/full/root")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr


def test_a_wrong_option_exits_with_1():
    assert run("--trainer", "magic", "--root", "x").returncode == 1


def test_another_interface_needs_tls(tmp_path):
    for host in ("0.0.0.0:0", "[::]:0", "gpu1.example.com:8443"):
        refused = run("--root", tmp_path / "root", "--listen", host)
        assert refused.returncode == 1
        assert "without TLS" in refused.stderr
    half = run("--root", tmp_path / "root", "--listen", "0.0.0.0:0", "--tls-cert", "x.pem")
    assert "belong together" in half.stderr


def test_it_stops_when_idle_but_not_while_a_job_runs(own):
    server = own("--idle", "0.7")
    job = server.create(slow=0.08)
    server.wait(job.id, "running")
    server.process.wait(timeout=30)
    assert server.process.returncode == 0
    assert server.status_file(job.id)["state"] == "succeeded"
    assert not server.root.server_file.exists()
    assert not is_locked(server.root.server_lock)


def test_a_paused_job_keeps_no_server_awake(own):
    server = own("--idle", "0.5")
    job = server.create(slow=0.1)
    server.wait(job.id, "running")
    server.client.fine_tuning.jobs.pause(job.id)
    assert server.process.wait(timeout=30) == 0
    assert server.status_file(job.id)["state"] == "paused"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, "route"])
def test_it_ends_in_order_when_told_to_and_the_trainer_goes_on(own, how):
    server = own()
    job = server.create(slow=0.05)
    server.wait(job.id, "running")
    if how == "route":
        assert server.http("POST", "/tunectl/shutdown")[0] == 200
    else:
        server.process.send_signal(how)
    assert server.process.wait(timeout=20) == 0
    assert not server.root.server_file.exists()
    wait_until(lambda: server.status_file(job.id)["state"] == "succeeded")


def test_a_file_is_gone_when_its_time_is_over(own):
    server = own()
    file = server.upload(rows(), expires_after={"anchor": "created_at", "seconds": 3600})
    path = server.root.file_meta(file.id)
    path.write_text(path.read_text().replace(str(file.expires_at), str(file.created_at - 1)))
    assert file.id not in [f.id for f in server.client.files.list()]
    server.stop()
    server.start()
    wait_until(lambda: not server.root.file_data(file.id).exists())


def test_the_openai_mimicry_sends_an_empty_error(own):
    server = own("--mimic-openai")
    file = server.upload(rows())
    body = {"model": "simulated-1", "training_file": file.id}
    raw = server.endpoint.url + "/fine_tuning/jobs"
    headers = {"Authorization": f"Bearer {server.endpoint.token}"}
    import openai

    with openai.DefaultHttpxClient() as client:
        assert client.post(raw, json=body, headers=headers).json()["error"] == {}


def test_a_server_is_found_or_started_once(tmp_path, together):
    root = tmp_path / "root"
    assert find_server(root) is None
    try:
        found = together(lambda _: ensure_server(root, trainer="simulated", idle_seconds=60), 3)
        assert len(set(found)) == 1
        with pytest.raises(ServeError, match="trains with `simulated`"):
            ensure_server(root, trainer="lora")
    finally:
        pid = read_json(root / "server.json")["pid"]
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: find_server(root) is None and not is_locked(root / "server.lock"))


def test_a_server_that_cannot_start_says_why(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ServeError, match="cannot use the folder"):
        ensure_server(tmp_path / "file" / "root")


def self_signed(folder):
    x509 = pytest.importorskip("cryptography.x509", reason="`cryptography` makes the certificate")
    import datetime as dt
    import ipaddress

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tunectl test")])
    now = dt.datetime.now(dt.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(secret)
    return folder / "cert.pem", folder / "key.pem"


def test_with_tls_it_serves_other_interfaces(tmp_path):
    certificate, key = self_signed(tmp_path)
    options = ["--root", tmp_path / "root", "--listen", "0.0.0.0:0", "--trainer", "simulated"]
    options += ["--tls-cert", certificate, "--tls-key", key, "--idle", "60"]
    command = [sys.executable, "-m", "tunectl.server", *map(str, options)]
    process = subprocess.Popen(command)
    try:
        claim = wait_until(lambda: read_json(tmp_path / "root/server.json"))
        assert claim["url"].startswith("https://")
        token = (tmp_path / "root/token").read_text()
        request = urllib.request.Request(
            f"https://127.0.0.1:{claim['port']}/v1/models",
            headers={"Authorization": f"Bearer {token}"},
        )
        context = ssl.create_default_context(cafile=certificate)
        with urllib.request.urlopen(request, context=context, timeout=10) as reply:
            assert reply.status == 200
    finally:
        process.terminate()
        process.wait(timeout=20)
