//! The diagram in the README, drawn from the topology.

use crate::topology::{Published, Topology, Trigger};

/// The chain as a Mermaid flowchart.
pub fn mermaid(topology: &Topology) -> String {
    let mut lines = vec![
        "flowchart LR".to_owned(),
        "  you([CLI, sync tool, browser]) -- \"PUT, presigned\" --> uploads".to_owned(),
    ];
    for notification in &topology.bucket.notifications {
        let (prefix, queue) = (&notification.prefix, &notification.queue);
        lines.push(format!("  {} -- S3 event --> q_{queue}", prefix_node(prefix)));
    }
    for rule in &topology.bus.rules {
        lines.push(format!("  bus{{{{event bus}}}} -- rule --> q_{}", rule.queue));
    }
    for (name, function) in &topology.functions {
        // Mermaid takes a dash in an id for the beginning of an arrow.
        let id = name.replace('-', "_");
        let node = format!("f_{id}[{name}]");
        match &function.trigger {
            Trigger::Queue { queue, .. } => {
                let dead = topology.queues.get(queue).and_then(|q| q.dead_letter_queue.as_ref());
                lines.push(format!("  q_{queue}[[queue {queue}]] --> {node}"));
                if let Some(dead) = dead {
                    lines.push(format!("  q_{queue} -. gives up .-> dead_{queue}[[{dead}]]"));
                }
            }
            Trigger::Schedule { every_secs } => {
                lines.push(format!("  clock([every {every_secs} s]) --> {node}"));
            }
            Trigger::Http { http } => {
                let who = if name == "api" { "browser, servers" } else { "providers" };
                lines.push(format!("  from_{id}([{who}]) -- \"{http}\" --> {node}"));
            }
        }
        for prefix in &function.writes {
            lines.push(format!("  f_{id} --> {}", prefix_node(prefix)));
        }
        for queue in &function.sends {
            lines.push(format!("  f_{id} -- message --> q_{queue}"));
        }
        for published in &function.publishes {
            let what = match published {
                Published::Jobs => "facts",
                Published::Endpoints => "endpoints disabled",
            };
            lines.push(format!("  f_{id} -- {what} --> bus"));
        }
    }
    lines.push("  f_deliver --> asked([signed webhooks])".to_owned());
    lines.push("  f_supabase --> row([row in Supabase])".to_owned());
    lines.join("\n")
}

/// A prefix as a node: an id that Mermaid takes, and the prefix as its label.
fn prefix_node(prefix: &str) -> String {
    let id = prefix.trim_end_matches('/').replace(|c: char| !c.is_alphanumeric(), "_");
    format!("{id}[(\"{prefix}\")]")
}
