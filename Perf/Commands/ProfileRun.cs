using System.Diagnostics;

namespace Mergeflow.Perf;

/// <summary><c>--profile NAME</c>: runs one scenario under <c>dotnet-trace</c>, which writes a speedscope file.</summary>
internal static class ProfileRun
{
    private const string Tool = "dotnet-trace";

    /// <summary>Runs this program again under the tool.</summary>
    /// <param name="scenario">Scenario, as <c>--scenario</c> takes it.</param>
    /// <param name="arguments">Other arguments for the inner run.</param>
    /// <param name="output">Where to say what comes out.</param>
    /// <exception cref="PerfException">The tool is not there, or fails.</exception>
    public static int Run(string scenario, IReadOnlyList<string> arguments, TextWriter output)
    {
        string name = ScenarioName.Parse(scenario).Full;
        string tool = Find() ?? throw PerfException.Failed($"--profile needs {Tool}: dotnet tool install -g {Tool} (and ~/.dotnet/tools on the PATH)");
        string file = $"{name}.nettrace";
        string program = Path.Combine(AppContext.BaseDirectory, "Mergeflow.Perf.dll");
        string host = Environment.ProcessPath ?? "dotnet";
        var start = new ProcessStartInfo(tool) { UseShellExecute = false };
        foreach (string a in new[] { "collect", "--format", "speedscope", "--output", file, "--show-child-io", "--", host, program, "--scenario", name }) start.ArgumentList.Add(a);
        foreach (string a in arguments) start.ArgumentList.Add(a);
        using Process process = Process.Start(start) ?? throw PerfException.Failed($"{tool} cannot be started");
        process.WaitForExit();
        if (process.ExitCode != 0) throw PerfException.Failed($"{Tool} ended with {process.ExitCode}");
        output.WriteLine($"written  {name}.speedscope.json: open it at www.speedscope.app (it stays in the browser) or in any viewer of that format");
        return PerfExitCode.Ok;
    }

    private static string? Find()
    {
        IEnumerable<string> folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Append(Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".dotnet", "tools"));
        return folders.Where(f => f.Length > 0).Select(f => Path.Combine(f, Tool)).FirstOrDefault(File.Exists);
    }
}
