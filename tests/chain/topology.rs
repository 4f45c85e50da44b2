//! What the wiring promises: no stage calls another, nothing runs in circles, nothing is dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use stillmotion::mermaid;
use stillmotion::topology::{Function, Published, Rule, Topology, Trigger};

/// From what to what: functions, prefixes, queues and the bus, each with its kind in front.
type Graph = BTreeMap<String, BTreeSet<String>>;

fn graph(topology: &Topology) -> Graph {
    let mut graph = Graph::new();
    let mut edge = |from: String, to: String| {
        graph.entry(from).or_default().insert(to);
    };
    for notification in &topology.bucket.notifications {
        edge(format!("prefix {}", notification.prefix), format!("queue {}", notification.queue));
    }
    for rule in &topology.bus.rules {
        for published in carried(rule) {
            edge(format!("bus, {published:?}"), format!("queue {}", rule.queue));
        }
    }
    for (name, function) in &topology.functions {
        let node = format!("function {name}");
        if let Some(queue) = function.queue() {
            edge(format!("queue {queue}"), node.clone());
        }
        for prefix in &function.writes {
            edge(node.clone(), format!("prefix {prefix}"));
        }
        for queue in &function.sends {
            edge(node.clone(), format!("queue {queue}"));
        }
        for published in &function.publishes {
            edge(node.clone(), format!("bus, {published:?}"));
        }
    }
    graph
}

/// Which facts a rule lets through.
fn carried(rule: &Rule) -> BTreeSet<Published> {
    let types = rule.pattern["detail-type"].as_array().expect("a rule names what it carries");
    let of = |name: &serde_json::Value| match name.as_str().expect("a name") {
        "WebhookEndpointDisabled.v1" => Published::Endpoints,
        _ => Published::Jobs,
    };
    types.iter().map(of).collect()
}

/// A path that comes back to where it began, if there is one.
fn circle(graph: &Graph) -> Option<Vec<String>> {
    fn walk(graph: &Graph, path: &mut Vec<String>) -> Option<Vec<String>> {
        let here = path.last().expect("a path has a start");
        for next in graph.get(here).into_iter().flatten() {
            if let Some(at) = path.iter().position(|node| node == next) {
                return Some(path[at..].to_vec());
            }
            path.push(next.clone());
            if let Some(found) = walk(graph, path) {
                return Some(found);
            }
            path.pop();
        }
        None
    }
    graph.keys().find_map(|start| walk(graph, &mut vec![start.clone()]))
}

/// Everything that is wrong with the wiring, in words.
fn problems(topology: &Topology) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(circle) = circle(&graph(topology)) {
        problems.push(format!("a circle: {}", circle.join(" → ")));
    }
    let prefixes: Vec<_> = topology.bucket.notifications.iter().map(|n| &n.prefix).collect();
    for (at, a) in prefixes.iter().enumerate() {
        for b in &prefixes[at + 1..] {
            if a.starts_with(b.as_str()) || b.starts_with(a.as_str()) {
                problems.push(format!("prefixes {a} and {b} overlap"));
            }
        }
    }
    for (name, function) in &topology.functions {
        match &function.trigger {
            Trigger::Queue { queue, .. } => {
                of_queue(topology, name, function, queue, &mut problems);
            }
            Trigger::Schedule { .. } | Trigger::Http { .. } => {}
        }
        let known = |queue: &&String| !topology.queues.contains_key(*queue);
        problems.extend(
            function
                .sends
                .iter()
                .filter(known)
                .map(|q| format!("{name} sends to queue {q}, which does not exist")),
        );
        let known = |table: &&String| !topology.tables.contains_key(*table);
        problems.extend(
            function
                .tables
                .keys()
                .filter(known)
                .map(|t| format!("{name} uses table {t}, which does not exist")),
        );
        let known = |secret: &&String| !topology.secrets.contains_key(*secret);
        problems.extend(
            function
                .secrets
                .iter()
                .filter(known)
                .map(|s| format!("{name} reads secret {s}, which does not exist")),
        );
    }
    problems
}

fn of_queue(
    topology: &Topology,
    name: &str,
    function: &Function,
    queue: &str,
    problems: &mut Vec<String>,
) {
    let Some(settings) = topology.queues.get(queue) else {
        problems.push(format!("{name} is fed by queue {queue}, which does not exist"));
        return;
    };
    let dead = settings.dead_letter_queue.as_ref();
    if dead.and_then(|dead| topology.queues.get(dead)).is_none() {
        problems.push(format!("queue {queue} has no dead-letter queue"));
    }
    if settings.max_receive_count.is_none_or(|count| count < 3) {
        problems.push(format!("queue {queue} gives up after fewer than 3 deliveries"));
    }
    if settings.visibility_timeout_secs < 6 * function.timeout_secs {
        problems.push(format!("queue {queue} shows messages while {name} may be at them"));
    }
    let fed_by = topology.functions.values().filter(|f| f.queue() == Some(queue)).count();
    if fed_by != 1 {
        problems.push(format!("queue {queue} feeds {fed_by} functions"));
    }
}

#[test]
fn the_wiring_is_sound() {
    assert_eq!(problems(&Topology::built_in()), [""; 0]);
}

#[test]
fn every_mistake_is_found() {
    let of = |mistake: fn(&mut Topology)| {
        let mut topology = Topology::built_in();
        mistake(&mut topology);
        problems(&topology).join("; ")
    };

    let circle = of(|topology| {
        let render = topology.functions.get_mut("render").expect("render");
        render.writes.push("ltx-videos/".to_owned());
    });
    let parts = ["a circle", "prefix ltx-videos/", "queue render", "function render"];
    assert!(parts.iter().all(|part| circle.contains(part)), "{circle}");

    let overlap = of(|topology| topology.bucket.notifications[1].prefix = "uploads/clips/".into());
    assert!(overlap.contains("prefixes uploads/ and uploads/clips/ overlap"), "{overlap}");

    let dropped = of(|topology| {
        topology.queues.get_mut("ltx").expect("ltx").dead_letter_queue = None;
    });
    assert!(dropped.contains("queue ltx has no dead-letter queue"), "{dropped}");

    let short = of(|topology| {
        topology.queues.get_mut("render").expect("render").visibility_timeout_secs = 30;
    });
    assert!(short.contains("queue render shows messages"), "{short}");

    let told_of_itself = of(|topology| {
        let pattern = &mut topology.bus.rules[0].pattern["detail-type"];
        pattern.as_array_mut().expect("names").push("WebhookEndpointDisabled.v1".into());
    });
    assert!(told_of_itself.contains("function deliver"), "{told_of_itself}");

    let called = of(|topology| {
        topology.functions.get_mut("notify").expect("notify").publishes = vec![Published::Jobs];
    });
    assert!(called.contains("a circle"), "{called}");
}

#[test]
fn the_rules_carry_every_fact_that_is_told() {
    for rule in Topology::built_in().bus.rules {
        let names = rule.pattern["detail-type"].as_array().expect("detail types").iter();
        let names: Vec<_> = names.map(|name| name.as_str().expect("a name")).collect();
        assert_eq!(names, events::TOLD, "rule {}", rule.name);
    }
}

#[test]
fn the_diagram_in_the_readme_is_the_wiring() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(&path).expect("README.md");
    let (before, rest) = readme.split_once("```mermaid\n").expect("a diagram");
    let (drawn, after) = rest.split_once("\n```").expect("an end of it");
    let wanted = mermaid(&Topology::built_in());

    if std::env::var_os("UPDATE_DIAGRAM").is_some() {
        let updated = format!("{before}```mermaid\n{wanted}\n```{after}");
        std::fs::write(&path, updated).expect("written");
        return;
    }
    assert_eq!(drawn, wanted, "run `just diagram`");
}
