if __name__ == "datasets":  # the repository root is on sys.path; a bare name would also hide other packages
    raise ImportError("The folder datasets/ is the package pdesym.datasets: write `import pdesym.datasets`.")
