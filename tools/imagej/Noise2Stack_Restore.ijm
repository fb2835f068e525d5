// ImageJ and Fiji: restores the image in front (a z-stack, a time series, with channels or not) with the program n2s.
//
// Install: Plugins > Macros > Install…, or copy this file into Fiji's folder plugins, which puts it into the menu Plugins.
// From a command line (Fiji with --headless, ImageJ needs a screen such as xvfb-run's):
//   ImageJ -batch Noise2Stack_Restore.ijm "PROGRAM|IN.tif|OUT.tif|OPTIONS"
// Options are those of n2s restore (n2s restore --help). Sample type, axes and calibration are kept.

// As one word of a shell's command.
function quoted(text) {
  return "'" + replace(text, "'", "'\\\\''") + "'";
}

// Restores the image in front; the result is then in front. What n2s says is in the log.
function restore(program, options) {
  title = getTitle();
  folder = getDirectory("temp") + "noise2stack-" + floor(random * 1000000000) + File.separator;
  File.makeDirectory(folder);
  run("Duplicate...", "title=noisy duplicate");  // saving the image itself would rename it
  saveAs("Tiff", folder + "noisy.tif");
  close();
  said = exec("sh", "-c", quoted(program) + " restore " + quoted(folder + "noisy.tif") + " -o " + quoted(folder + "restored.tif") + " " +
              options + " 2>&1; echo status $?");
  print(said);
  if (indexOf(said, "status 0") < 0)
    exit("n2s could not restore the image:\n" + said);
  open(folder + "restored.tif");
  rename(title + " (restored)");
}

given = getArgument();
if (given != "") {
  parts = split(given + " ", "|");
  if (parts.length != 4)
    exit("needed: PROGRAM|IN.tif|OUT.tif|OPTIONS");
  open(parts[1]);
  restore(parts[0], parts[3]);
  saveAs("Tiff", parts[2]);
} else {
  if (nImages == 0)
    exit("Open a stack first.");
  method = "noise2stack";
  if (nSlices == 1)
    method = "noise2void";
  Dialog.create("Noise2Stack");
  Dialog.addString("Program", call("ij.Prefs.get", "noise2stack.program", "n2s"), 40);
  Dialog.addNumber("Minutes of training", 5);
  Dialog.addChoice("Method", newArray("noise2stack", "even-odd", "noise2void"), method);
  Dialog.addString("More options", "", 40);
  Dialog.show();
  program = Dialog.getString();
  options = "--minutes " + Dialog.getNumber() + " --method " + Dialog.getChoice() + " " + Dialog.getString();
  call("ij.Prefs.set", "noise2stack.program", program);
  showStatus("Noise2Stack: see the log");
  restore(program, options);
}
