//! A sum that the coordinator has opened. It is exact and so it is personal data: two of them that
//! differ by one person give that person away. This module owns the type that keeps it in memory
//! and refuses every way out but the disclosure gate.

/// A value opened from a secure sum, on its way to the gate.
///
/// Only this crate builds one (out of at least three nodes' masked vectors) and only
/// [`Gate`](crate::Gate) and [`Cleared`](crate::Cleared) take one apart. It cannot be printed,
/// cloned or serialised:
///
/// ```compile_fail,E0277
/// fn print(opened: ligate_disclosure::Opened<Vec<u64>>) {
///     println!("{opened:?}");
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn display(opened: ligate_disclosure::Opened<u64>) {
///     println!("{opened}");
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn copy<T: Clone>(value: &T) -> T {
///     value.clone()
/// }
/// fn copy_opened(opened: ligate_disclosure::Opened<Vec<u64>>) {
///     let copy = copy(&opened);
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn serialise(opened: ligate_disclosure::Opened<Vec<u64>>) -> String {
///     serde_json::to_string(&opened).unwrap()
/// }
/// ```
///
/// ```compile_fail,E0423
/// let forged = ligate_disclosure::Opened(vec![1_u64]);
/// ```
///
/// ```compile_fail,E0624
/// fn look(opened: ligate_disclosure::Opened<Vec<u64>>) -> u64 {
///     opened.get()[0]
/// }
/// ```
#[must_use = "an opened sum goes to the gate"]
pub struct Opened<T>(T);

impl<T> Opened<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(value)
    }

    pub(crate) fn get(&self) -> &T {
        &self.0
    }
}
