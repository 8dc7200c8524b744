# CIR Lab: the web notebook on port 8888, as an ordinary user.
#   docker build -t cirlab . && docker run --rm -p 8888:8888 cirlab
FROM node:22-bookworm-slim

# Jailed Python is quicker than the embedded one; the browser and the software GPU are for `npm test` only and stay out.
RUN apt-get update \
 && apt-get install -y --no-install-recommends bubblewrap python3 python3-numpy python3-sympy \
 && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home lab
WORKDIR /home/lab/cirlab
COPY --chown=lab:lab package.json package-lock.json .npmrc ./
USER lab
RUN npm ci --include=dev
COPY --chown=lab:lab . .
RUN npm run build

EXPOSE 8888
CMD ["npm", "start", "--", "--no-open", "--host", "0.0.0.0", "--port", "8888"]
