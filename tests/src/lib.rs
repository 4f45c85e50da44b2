//! The chain, through the embedded cloud and at the real queues; its tests are in `chain/`.
