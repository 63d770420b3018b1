CREATE DATABASE mlflow OWNER riskloop;
