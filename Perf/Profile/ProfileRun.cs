using System.Diagnostics;
using Mergeflow.Cli;

namespace Mergeflow.Perf;

/// <summary>
/// <c>--profile NAME</c>: runs one scenario again in a process of its own under <c>dotnet-trace</c>, which writes a speedscope file, and where Linux'
/// <c>perf</c> is there under that too, for a flame graph.
/// </summary>
internal static class ProfileRun
{
    private const string Tracer = "dotnet-trace";
    private const string Sampler = "perf";
    private const string PacketThread = "pmd";
    private const int SamplesPerSecond = 1999;

    /// <summary>Runs this program again under the tools that are there.</summary>
    /// <param name="scenario">Scenario, as <c>--scenario</c> takes it.</param>
    /// <param name="arguments">Other arguments for the inner run.</param>
    /// <param name="output">Where to say what comes out.</param>
    /// <exception cref="PerfException">No tool is there, or one fails.</exception>
    public static int Run(string scenario, IReadOnlyList<string> arguments, TextWriter output)
    {
        string name = ScenarioName.Parse(scenario).Full;
        OutputTargets.Check([("--profile", $"{name}.speedscope.json"), ("--profile", $"{name}.flame.svg")], []);
        string[] inner = [Environment.ProcessPath ?? "dotnet", Path.Combine(AppContext.BaseDirectory, "Mergeflow.Perf.dll"), "--scenario", name, .. arguments];
        if (Path.GetFileNameWithoutExtension(inner[0]) != "dotnet") inner = [inner[0], .. inner[2..]];
        string? tracer = Find(Tracer);
        string? sampler = OperatingSystem.IsLinux() ? Find(Sampler) : null;
        if (tracer is null && sampler is null) throw PerfException.Failed($"--profile needs {Tracer} or {Sampler}: dotnet tool install -g {Tracer} (and ~/.dotnet/tools on the PATH), apt-get install linux-perf");
        if (tracer is null) output.WriteLine($"{Tracer} is missing (dotnet tool install -g {Tracer}): no speedscope file");
        else Trace(tracer, name, inner, output);
        if (sampler is null) output.WriteLine($"{Sampler} is missing (apt-get install linux-perf): no flame graph");
        else Sample(sampler, name, inner, output);
        return PerfExitCode.Ok;
    }

    private static void Trace(string tool, string name, IReadOnlyList<string> inner, TextWriter output)
    {
        Start(tool, ["collect", "--format", "speedscope", "--output", $"{name}.nettrace", "--show-child-io", "--", .. inner], []);
        output.WriteLine($"written  {name}.speedscope.json: open it at www.speedscope.app (it stays in the browser) or in any viewer of that format");
    }

    private static void Sample(string tool, string name, IReadOnlyList<string> inner, TextWriter output)
    {
        string data = Path.Combine(Path.GetTempPath(), $"mergeflow-{Environment.ProcessId}.perf.data");
        try
        {
            // The map names compiled methods; the runtime must not keep them in memory that perf sees under another address.
            Start(tool, ["record", "-q", "-e", "cpu-clock", "-F", $"{SamplesPerSecond}", "-g", "-o", data, "--", .. inner], [("DOTNET_PerfMapEnabled", "1"), ("DOTNET_EnableWriteXorExecute", "0")]);
            string script = ExternalProgram.Run(new Dictionary<string, string>(), tool, "script", "-i", data, "-F", "comm,tid,ip,sym");
            StackTree stacks = StackTree.ReadPerfScript(script.Split('\n'), PacketThread);
            if (stacks.Samples == 0) throw PerfException.Failed($"{Sampler} recorded no sample of thread {PacketThread}");
            OutputFile.Write($"{name}.flame.svg", FlameGraph.Svg(stacks, $"{name}, thread {PacketThread}"));
        }
        finally
        {
            File.Delete(data);
        }

        output.WriteLine($"written  {name}.flame.svg: open it in a browser; the mouse over a frame names it");
    }

    private static void Start(string tool, IEnumerable<string> arguments, (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(tool, arguments) { UseShellExecute = false };
        foreach ((string variable, string value) in environment) start.Environment[variable] = value;
        using Process process = Process.Start(start) ?? throw PerfException.Failed($"{tool} cannot be started");
        process.WaitForExit();
        if (process.ExitCode != 0) throw PerfException.Failed($"{Path.GetFileName(tool)} ended with {process.ExitCode}");
    }

    private static string? Find(string program)
    {
        IEnumerable<string> folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Append(Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".dotnet", "tools"));
        return folders.Where(f => f.Length > 0).Select(f => Path.Combine(f, program)).FirstOrDefault(File.Exists);
    }
}
