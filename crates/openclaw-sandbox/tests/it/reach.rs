//! How far the network of a command reaches, and what it may use beside its workspace.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
};

use openclaw_core::Kind;
use openclaw_sandbox::{
    Command, Egress, Guard, Reach, Sandbox, SandboxConfig, SandboxError,
    SandboxLevel::{Relaxed, Strict},
    Status,
};

use crate::bench::{Bench, text};

fn networked(bench: &Bench) -> SandboxConfig {
    SandboxConfig {
        network_access: true,
        ..bench.config(Relaxed)
    }
}

fn connect(port: u16) -> Command {
    Command::new("/bin/bash")
        .arg("-c")
        .arg(format!("exec 3<>/dev/tcp/127.0.0.1/{port} && cat <&3"))
}

#[tokio::test]
async fn a_network_that_nobody_set_up_is_refused() {
    let bench = Bench::new();
    let sandbox = Sandbox::from_environment();
    let err = sandbox
        .execute(&networked(&bench), &Command::new("true"))
        .await
        .unwrap_err();
    assert!(matches!(err, SandboxError::NoEgress), "{err:?}");
    assert_eq!(err.kind(), Kind::Denied);
}

#[tokio::test]
async fn with_a_proxy_the_command_sees_the_proxy_and_nothing_else() {
    let bench = Bench::new();
    let outside = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = outside.local_addr().unwrap().port();
    let egress = Egress::new(|listener: TcpListener, stop| async move {
        let served = tokio::task::spawn_blocking(move || {
            listener.set_nonblocking(false).unwrap();
            let (mut connection, _) = listener.accept().unwrap();
            connection.write_all(b"from outside").unwrap();
        });
        served.await.unwrap();
        stop.cancelled().await;
    });
    let sandbox = Sandbox::from_environment().with_reach(Reach::Proxy(egress));
    let config = networked(&bench);

    let output = sandbox.execute(&config, &connect(3128)).await.unwrap();
    assert_eq!(text(&output.stdout), "from outside");
    let proxy = Command::shell(format!(
        "echo $https_proxy $HTTP_PROXY $NODE_USE_ENV_PROXY; exec 3<>/dev/tcp/127.0.0.1/{port}"
    ));
    let silent = Sandbox::from_environment().with_reach(Reach::Proxy(Egress::new(
        |_, stop: openclaw_sandbox::CancellationToken| async move { stop.cancelled().await },
    )));
    let output = silent.execute(&config, &proxy).await.unwrap();
    assert_ne!(output.status, Status::Exited(0));
    assert_eq!(
        text(&output.stdout),
        "http://127.0.0.1:3128 http://127.0.0.1:3128 1\n"
    );
}

#[tokio::test]
async fn the_network_of_the_host_is_had_only_where_it_is_meant_to_be() {
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let sandbox = Sandbox::from_environment().with_reach(Reach::Host);
    let command = Command::new("/bin/bash")
        .arg("-c")
        .arg(format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo hi >&3"));
    let output = sandbox.execute(&networked(&bench), &command).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut said = String::new();
    let mut connection = listener.accept().unwrap().0;
    connection.read_to_string(&mut said).unwrap();
    assert_eq!(said, "hi\n");

    for config in [bench.config(Relaxed), bench.config(Strict)] {
        let output = sandbox.execute(&config, &command).await.unwrap();
        assert_eq!(output.status, Status::Exited(1));
    }
}

#[tokio::test]
async fn the_programs_of_a_toolchain_run_and_cannot_be_changed() {
    let bench = Bench::new();
    let within = bench.workspace.join("tools");
    for folder in [&bench.outside, &within] {
        let programs = folder.join("bin");
        fs::create_dir_all(&programs).unwrap();
        let program = programs.join(folder.file_name().unwrap());
        fs::write(&program, "#!/bin/sh\necho $0 works\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let sandbox =
        Sandbox::from_environment().with_toolchains([bench.outside.clone(), within.clone()]);
    let script = format!(
        "outside; tools; echo evil > {}/bin/outside; echo evil > tools/bin/tools",
        bench.outside.display()
    );
    for level in [Relaxed, Strict] {
        let output = sandbox
            .execute(&bench.config(level), &Command::shell(&script))
            .await
            .unwrap();
        let expected = format!(
            "{}/bin/outside works\n{}/bin/tools works\n",
            bench.outside.display(),
            within.display()
        );
        assert_eq!(text(&output.stdout), expected);
        assert_eq!(output.status, Status::Exited(2));
    }
}

#[tokio::test]
async fn without_bubblewrap_what_is_left_contains_a_command_where_that_is_allowed() {
    let bench = Bench::new();
    let secret = bench.outside.join("secret");
    fs::write(&secret, "secret").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!(
        "echo in > note; echo h > $HOME/x && cat $HOME/x; cat {secret}; echo x > {secret}; \
         exec 3<>/dev/tcp/127.0.0.1/{port} && echo reached",
        secret = secret.display()
    );
    let sandbox = Sandbox::with_search_path("/nonexistent").allow_degraded();
    let command = Command::new("/bin/bash").arg("-c").arg(script);
    let output = sandbox
        .execute(&bench.config(Strict), &command)
        .await
        .unwrap();
    assert_eq!(output.degraded, [Guard::Bubblewrap]);
    assert_eq!(text(&output.stdout), "h\n");
    assert_eq!(bench.read("note"), "in\n");
    assert_eq!(fs::read_to_string(&secret).unwrap(), "secret");
}
