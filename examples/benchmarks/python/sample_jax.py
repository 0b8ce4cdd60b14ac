"""Generation of a LlamaGen in JAX, as a process of `peer.py`. Settings and inputs are those of `sample.py`."""

from peer import inputs, load, serve, settings

jax = load("jax", "JAX")


def cases_of():
    import jax.numpy as jnp
    import numpy as np
    from llamagen_jax import LlamaGen

    weights = {name: jnp.array(array) for name, array in inputs().items()}
    model, images = LlamaGen(*settings["model"]), settings["images"]
    generate = jax.jit(lambda weights, key, greedy: model.generate(weights, images, key, greedy), static_argnums=2)
    key = jax.random.key(0)

    def timed():
        jax.block_until_ready(generate(weights, key, False))

    return {"jit": timed, "greedy jit": lambda: {"tokens": np.asarray(generate(weights, key, True))}}


serve(cases_of() if jax is not None else {})
