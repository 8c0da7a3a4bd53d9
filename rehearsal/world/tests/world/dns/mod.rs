//! What Route 53 promises, scene by scene.

mod answering;
mod changing;
mod checking;
mod generations;
mod listing;
mod propagating;
mod routing;
mod scene;
