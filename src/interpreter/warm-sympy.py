"""What sympy puts off until it is first used, done before the first snippet: modules, and tables of integrals."""
import sympy


def _warm():
    x, y = sympy.symbols("x y")
    f = sympy.Function("f")
    sympy.integrate(x * sympy.exp(x) * sympy.sin(x), x)
    sympy.integrate(sympy.exp(-(x**2)), (x, -sympy.oo, sympy.oo))
    sympy.simplify(sympy.sin(x) ** 2 + sympy.cos(x) ** 2)
    sympy.solve([x + y - 3, x * y - 2], [x, y])
    sympy.solveset(x**3 - 1, x)
    sympy.dsolve(f(x).diff(x) - f(x))
    sympy.series(sympy.exp(x), x, 0, 3)
    sympy.limit(sympy.sin(x) / x, x, 0)
    sympy.Matrix([[1, 2], [3, 4]]).eigenvals()
    sympy.summation(x**2, (x, 1, y))
    sympy.factorint(2**64 + 1)
    sympy.nsimplify(0.5)
    sympy.latex(sympy.sympify("x**2/3"))
    sympy.core.cache.clear_cache()


_warm()
