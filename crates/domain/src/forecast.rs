//! The forecast.
