//! What the agent shows: the facts that administrators know from the field's own tools.

use std::fmt::Write;

use anyhow::Result;
use time::{Duration, OffsetDateTime, format_description::FormatItem, macros::format_description};

use crate::{
    activation::{
        hardware::COMPONENTS,
        lease::{Claims, Model},
        wire::{LINE, Outcome, PIPELINE, Site},
    },
    agent::{
        Agent, Machine, SERVICE, Standing, Trouble, last_five,
        standing::Lost,
        state::{Kind, State},
    },
};

const MOMENT: &[FormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");

/// What all views begin with.
struct View {
    state: State,
    machine: Machine,
    standing: Standing,
    now: OffsetDateTime,
}

impl View {
    fn of(agent: &Agent) -> Result<Self> {
        let state = agent.state()?.ok_or_else(|| Trouble::NoProduct(agent.path().to_owned()))?;
        let machine = agent.machine(&state)?;
        let now = agent.clock().now();
        let standing = state.standing(&machine.hardware, now);
        Ok(Self { state, machine, standing, now })
    }

    /// The state and its end.
    fn sentence(&self) -> String {
        let left = |until: OffsetDateTime| left(until - self.state.present(self.now));
        match self.standing {
            Standing::Licensed { until } => format!("activated until {} ({})", moment(until), left(until)),
            Standing::InitialGrace { until } => {
                format!("not activated yet; has to be by {} ({}): keyward agent activate", moment(until), left(until))
            }
            Standing::OutOfTolerance { until, why: Lost::Ended } => format!(
                "the lease ended and wasn't renewed; has to be renewed by {} ({}): keyward agent activate",
                moment(until),
                left(until)
            ),
            Standing::OutOfTolerance { until, why: Lost::Hardware } => format!(
                "the hardware isn't the one that was activated; has to be activated again by {} ({}), which takes one activation of the key: keyward agent activate",
                moment(until),
                left(until)
            ),
            Standing::Notification => "not activated, and the time for it is over: keyward agent activate".to_owned(),
        }
    }

    fn means(&self) -> String {
        match (&self.state.key, self.state.kind()) {
            (Some(key), _) => format!("key ending in {}", last_five(key).as_str()),
            (None, Kind::Mak) => "a key that isn't installed any more".to_owned(),
            (None, Kind::Activate) => "count".to_owned(),
        }
    }
}

/// The last five characters of the key.
pub fn key(agent: &Agent) -> Result<String> {
    let state = agent.state()?;
    Ok(state.and_then(|state| state.key).map(|key| last_five(&key).to_string()).unwrap_or_default())
}

/// One sentence.
pub fn expiry(agent: &Agent) -> Result<String> {
    let view = View::of(agent)?;
    Ok(format!("{}: {}.", view.machine.name, view.sentence()))
}

/// A few lines.
pub fn brief(agent: &Agent) -> Result<String> {
    let view = View::of(agent)?;
    let mut lines = Lines::default();
    begin(&view, &mut lines);
    Ok(lines.0)
}

/// Everything.
pub fn all(agent: &Agent) -> Result<String> {
    let view = View::of(agent)?;
    let (state, mut lines) = (&view.state, Lines::default());
    begin(&view, &mut lines);
    lines.line("State file", agent.path().display());
    lines.line("Client id", state.cmid);
    if let Some(previous) = state.previous_cmid {
        lines.line("Previous client id", previous);
    }
    lines.line("Installed", moment(state.installed_at));
    hosts(&view, &mut lines);
    if let Some(claims) = state.held() {
        lease(&claims, &mut lines);
    } else if state.lease.is_some() {
        lines.line("Lease", "there is one that isn't to be believed: activate again");
    }
    last(&view, &mut lines);
    hardware(&view, &mut lines);
    Ok(lines.0)
}

/// The site as a file for another machine.
pub fn site(agent: &Agent) -> Result<String> {
    let trust = View::of(agent)?.state.site.ok_or(Trouble::NoSite)?;
    let site = Site { iss: trust.iss, keys: trust.keys, line: LINE, pipeline: PIPELINE };
    Ok(serde_json::to_string(&site)?)
}

/// A code in lines of five groups.
pub fn in_lines(code: &str) -> String {
    let groups: Vec<&str> = code.split('-').collect();
    groups.chunks(5).map(|five| format!("    {}", five.join("-"))).collect::<Vec<_>>().join("\n")
}

fn begin(view: &View, lines: &mut Lines) {
    let kind = if view.machine.is_virtual { ", virtual" } else { "" };
    lines.line("Machine", format!("{}{kind}", view.machine.name));
    lines.line("Application", view.state.application);
    lines.line("Edition", view.state.sku);
    lines.line("Activated by", view.means());
    lines.line("State", format!("{} ({})", view.standing.name(), view.standing.number()));
    lines.line("", view.sentence());
    if let Some(back) = view.state.turned_back(view.now) {
        let seen = moment(view.state.seen);
        lines.line("Clock", format!("it was turned back by {}: {seen} was seen before; set it", span(back)));
    }
}

fn hosts(view: &View, lines: &mut Lines) {
    let state = &view.state;
    match (&state.host, &state.cached_host) {
        (Some(host), _) => lines.line("Host", format!("{host}, named by set-host")),
        (None, Some(host)) => lines.line("Host", format!("{host}, found in DNS")),
        (None, None) => lines.line("Host", format!("none yet: it is looked for in DNS ({SERVICE})")),
    }
    if let Some(site) = &state.site {
        let how = if site.given { "given" } else { "of the first host that was met" };
        lines.line("Site", format!("{}, its keys {how}", site.iss));
        for key in &site.keys {
            lines.line("Site key", &key.kid);
        }
    }
    if state.device.is_some() {
        lines.line("Requests", "signed by this device's key");
    }
}

fn lease(claims: &Claims, lines: &mut Lines) {
    let what = match claims.model {
        Model::Kms => "by count",
        Model::Mak => "by a key",
    };
    lines.line("Lease", format!("{}, {what}", claims.jti));
    for (name, seconds) in [("Lease from", claims.iat), ("Lease until", claims.exp)] {
        if let Ok(at) = OffsetDateTime::from_unix_timestamp(seconds) {
            lines.line(name, moment(at));
        }
    }
}

fn last(view: &View, lines: &mut Lines) {
    let state = &view.state;
    if let Some(last) = &state.last {
        lines.line("Last request", moment(last.at));
        let code = last.result.map(Outcome::code).unwrap_or("no answer");
        lines.line("Last result", format!("{code}: {}", last.message));
        if let (Some(count), Some(needed)) = (last.count, last.needed) {
            lines.line("Count", format!("{count}, needed {needed}"));
        }
        let intervals = format!("{} minutes until activated, then {}", last.activation_interval, last.renewal_interval);
        lines.line("Intervals", intervals);
        lines.line("Next request", format!("{} by `agent run`", moment(state.due(view.standing.is_licensed(), 0.0))));
    }
    if let Some(pending) = &state.pending {
        lines.line("Unanswered", format!("request {} of {}", pending.id, moment(pending.at)));
    }
}

fn hardware(view: &View, lines: &mut Lines) {
    let bound = view.state.held().and_then(|claims| claims.hw);
    for (at, component) in COMPONENTS.iter().enumerate() {
        let own = view.machine.hardware.parts()[at];
        let note = match &bound {
            Some(bound) if bound.parts()[at] != own => format!(", changed (weight {})", component.weight),
            _ => String::new(),
        };
        lines.line(&format!("Component {}", component.name), format!("{}{note}", own.unwrap_or("none")));
    }
    if let Some(bound) = &bound {
        let changed = bound.changed(&view.machine.hardware);
        lines.line("Hardware", format!("changed by {changed}, tolerated {}", view.state.tolerance));
    }
}

/// Lines of a name and a value.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn line(&mut self, name: &str, value: impl std::fmt::Display) {
        let colon = if name.is_empty() { "" } else { ":" };
        let _ = writeln!(self.0, "{:<20}{value}", format!("{name}{colon}"));
    }
}

fn moment(at: OffsetDateTime) -> String {
    at.format(MOMENT).unwrap_or_default()
}

fn left(span_left: Duration) -> String {
    format!("{} left", span(span_left))
}

/// To the nearest day, or hour below one.
fn span(time: Duration) -> String {
    let nearest = |unit: i64| (time.whole_seconds() + unit / 2) / unit;
    match (nearest(86_400), nearest(3600)) {
        (_, 1) => "1 hour".to_owned(),
        (_, hours @ ..24) => format!("{hours} hours"),
        (1, _) => "1 day".to_owned(),
        (days, _) => format!("{days} days"),
    }
}
