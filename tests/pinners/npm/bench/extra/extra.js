module.exports = "extra";
