//! What the world promises, scene by scene.

mod connecting;
mod creating;
mod databases;
mod describing;
mod dns;
mod facts;
mod failing;
mod measuring;
mod modifying;
mod promoting;
mod random;
mod rebooting;
mod replicating;
mod restoring;
mod snapshots;
mod stage;
mod truth;
