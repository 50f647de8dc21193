"""A layer at one batch: its output, and what its Jacobian there does to tangents and to cotangents.

With them the derivatives of a critic's scores and of their input gradient g together take six units of convolution a
layer, the least there is: forward, its transpose (`pull`), the tangent (`push`), and one backward of three, for the
weight twice and for the input once. Each layer has a small graph of its own, and none reaches across layers:

    s = f(x)                        outputs, layer by layer
    g = J(x)^T 1                    `pull`, from the last layer to the first; each layer keeps its cotangent
    t = J(x) u                      `push` of a direction u, the derivative of a loss by g
    gradient of h s + u g           `reverse`: of its output, by the cotangent that arrives, and of its tangent. The
                                    cotangent of that is what `pull` kept, so no gradient by any tangent is needed.
"""

from mxnet import autograd, nd, symbol

X, TANGENT = "x", "tangent"


class Linearised:
    """One layer at one batch, differentiated by MXNet, from the layer's own operators and its `push`.

    Parameters
    ----------
    layer : Layer
        Initialised.
    x : mxnet.nd.NDArray
        Its input. Neither it nor the parameters may change while this is in use.

    Attributes
    ----------
    output : mxnet.nd.NDArray
    """

    def __init__(self, layer, x):
        self._output_of, self._tangent_of, self._parameters = layer.operators()
        self._leaves = {X: leaf(x)}
        for parameter in self._parameters:
            self._leaves[parameter.name] = layer.leaf(parameter, x.context)
        self._tangent = self._pulled = None
        with autograd.record():
            self._output = self._output_of(self._leaves)
        self.output = self._output.detach()

    def pull(self, cotangent):
        """Return the transposed Jacobian times a cotangent of the output, and keep that for `reverse`."""
        self._pulled = cotangent
        return _gradients([self._output], [self._leaves[X]], [cotangent])[0]

    def push(self, tangent):
        """Return the Jacobian times a tangent of the input; `pull` comes before."""
        if self._tangent_of is None:  # linear in pieces, and each number for itself: the Jacobian is its transpose
            return _gradients([self._output], [self._leaves[X]], [tangent])[0]
        with autograd.record():
            output_tangent = self._tangent_of({**self._leaves, TANGENT: tangent})
        if self._tangent_of.names != [TANGENT]:  # else it depends on nothing to differentiate by
            self._tangent = output_tangent
        return output_tangent.detach()

    def reverse(self, cotangent, gradients, to_input=True):
        """Return the gradient by the input, of the output along `cotangent` and, after `push`, of the tangent's too.

        Parameters
        ----------
        cotangent : mxnet.nd.NDArray
            Of the output.
        gradients : dict
            {parameter: list of arrays}, to which the parameters' are appended.
        to_input : bool
            Whether the input's gradient is needed; else None is returned.
        """
        outputs, cotangents = [self._output], [cotangent]
        if self._tangent is not None:
            outputs.append(self._tangent)
            cotangents.append(self._pulled)
        wanted = list(self._leaves.values())[0 if to_input else 1 :]
        found = _gradients(outputs, wanted, cotangents) if wanted else []
        for parameter, gradient in zip(self._parameters, found[1 if to_input else 0 :]):
            gradients.setdefault(parameter, []).append(gradient)
        return found[0] if to_input else None


class LinearisedChain:
    """Layers one after the other; see `Linearised`."""

    def __init__(self, layers, x):
        self._links, layers = [], list(layers)
        while layers:
            layer = layers.pop(0)
            if layers and layer.takes_slope(x) and layers[0].slope is not None and layers[0].slope >= 0:
                self._links.append(layer.linearise(x, layers.pop(0).slope))
            else:
                self._links.append(layer.linearise(x))
            x = self._links[-1].output
        self.output = x

    def pull(self, cotangent):
        """Go through the layers from the last to the first."""
        for link in reversed(self._links):
            cotangent = link.pull(cotangent)
        return cotangent

    def push(self, tangent):
        """Go through the layers."""
        for link in self._links:
            tangent = link.push(tangent)
        return tangent

    def reverse(self, cotangent, gradients, to_input=True):
        """Go through the layers from the last to the first."""
        for number in reversed(range(len(self._links))):
            cotangent = self._links[number].reverse(cotangent, gradients, to_input or number > 0)
        return cotangent


class LinearisedSum:
    """Two layers side by side, or one and its input as it is, added; see `Linearised`."""

    def __init__(self, layers, x):
        self._ways = [layer.linearise(x) for layer in layers if layer is not None]
        self._with_input = None in layers
        self.output = self._sum([way.output for way in self._ways], x)

    def _sum(self, parts, x):
        return nd.add_n(*parts, *([x] if self._with_input else []))

    def pull(self, cotangent):
        """Add what comes back on both ways."""
        return self._sum([way.pull(cotangent) for way in self._ways], cotangent)

    def push(self, tangent):
        """Add both ways' tangents."""
        return self._sum([way.push(tangent) for way in self._ways], tangent)

    def reverse(self, cotangent, gradients, to_input=True):
        """Add what comes back on both ways."""
        found = [way.reverse(cotangent, gradients, to_input) for way in self._ways]
        return self._sum(found, cotangent) if to_input else None


class Operator:
    """A symbol as a function of arrays that come by name.

    Parameters
    ----------
    outputs : mxnet.symbol.Symbol or sequence of them
    flags : sequence of tuple of str
        Of MXNet's CachedOp.
    """

    def __init__(self, outputs, flags):
        graph = outputs if isinstance(outputs, symbol.Symbol) else symbol.Group(outputs)
        self.names = graph.list_inputs()
        self._operator = nd.CachedOp(graph, flags)

    def __call__(self, arrays):
        return self._operator(*[arrays[name] for name in self.names])


# In line, MXNet would also compute the gradients of a convolution that nobody asked for.
SEPARATE = (("inline_limit", "0"),)


def leaf(array):
    """Return the same memory as an array that `autograd.grad` takes gradients by."""
    array = array.detach()
    # `attach_grad` would fill an array with zeros; this one stands in for it, and is never written to
    autograd.mark_variables([array], [array.detach()])
    return array


def parts_of(gradients, parameter):
    """Return the arrays whose sum is the parameter's gradient, of what `reverse` gathered."""
    return gradients.get(parameter) or [nd.zeros_like(parameter.data())]


def _gradients(outputs, leaves, cotangents):
    # kept until it goes out of scope: to free the graph, MXNet would also empty nodes that others share
    return autograd.grad(outputs, leaves, head_grads=cotangents, retain_graph=True)
