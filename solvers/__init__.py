if __name__ == "solvers":  # the repository root is on sys.path; a bare name would also hide other packages
    raise ImportError("The folder solvers/ is the package pdesym.solvers: write `import pdesym.solvers`.")
