//! Recorded Argo CD traffic, judged by the same code that judges live traffic.
