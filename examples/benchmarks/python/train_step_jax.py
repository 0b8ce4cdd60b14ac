"""Whole optimizer steps of a LlamaGen in JAX, as a process of `peer.py`. Settings and inputs are those of `train_step.py`."""

from peer import inputs, load, serve, settings

jax = load("jax", "JAX")


def cases_of():
    import jax.numpy as jnp
    from llamagen_jax import LlamaGen

    arrays = inputs()
    labels, codes = jnp.asarray(arrays.pop("labels")), jnp.asarray(arrays.pop("codes"))
    update = jax.jit(LlamaGen(*settings["model"]).train_step, donate_argnums=(0, 1))
    state = {}

    def start():
        state["weights"] = {name: jnp.array(array) for name, array in arrays.items()}
        state["moments"] = {name: (jnp.zeros(array.shape), jnp.zeros(array.shape)) for name, array in arrays.items()}
        state["count"] = jnp.zeros(())

    def step():
        weights, moments, count, loss = update(state["weights"], state["moments"], state["count"], labels, codes)
        state.update(weights=weights, moments=moments, count=count)
        # The loss is there before the last weights are.
        jax.block_until_ready(weights)
        return float(loss)

    def check():
        start()
        return {"losses": [step() for _ in range(3)]}

    def timed():
        step()

    start()
    return {"jit": timed, "check jit": check}


serve(cases_of() if jax is not None else {})
