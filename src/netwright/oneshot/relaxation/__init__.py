"""The parts that gradient-based search is made of: samplers, partial channels, regularisers, perturbations, stages."""
