module.exports = ["hello"];
