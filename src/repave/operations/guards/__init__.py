"""What must not go into an image by mistake: seen in locked files and baked layers, judged by what the file says."""
