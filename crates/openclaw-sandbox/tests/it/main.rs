//! Runs real commands in real sandboxes.
//!
//! Everything here passes for root and for a plain user alike, and needs bubblewrap where a
//! sandbox is entered.

#[cfg(test)]
mod bench;
#[cfg(test)]
mod changes;
#[cfg(target_os = "linux")]
#[cfg(test)]
mod containment;
#[cfg(target_os = "linux")]
#[cfg(test)]
mod control_groups;
#[cfg(target_os = "linux")]
#[cfg(test)]
mod degraded;
#[cfg(target_os = "linux")]
#[cfg(test)]
mod lifetime;
#[cfg(target_os = "linux")]
#[cfg(test)]
mod limits;
#[cfg(test)]
mod places;
#[cfg(target_os = "linux")]
#[cfg(test)]
mod protected;
#[cfg(target_os = "linux")]
#[cfg(test)]
mod reach;
#[cfg(target_os = "linux")]
#[cfg(test)]
mod refusals;
#[cfg(target_os = "linux")]
#[cfg(test)]
mod typing;
#[cfg(test)]
mod workspace;
