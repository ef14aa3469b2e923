using System.Diagnostics;
using Mergeflow.Cli;
using Mergeflow.Native;
using Mergeflow.Perf;

namespace Mergeflow.Tests;

/// <summary>Commands typed as processes of their own, in a folder that has what the examples name.</summary>
internal static class TypedCommand
{
    /// <summary>A folder with the files that examples name; <c>Tests</c> in it is the source tree's.</summary>
    public static TemporaryFolder Folder()
    {
        TemporaryFolder folder = new();
        Directory.CreateSymbolicLink(folder["Tests"], Path.Combine(RepositoryFiles.Root, "Tests"));
        Directory.CreateDirectory(folder["home"]);
        folder.Write("flows.txt", "priority=1,actions=drop\npriority=9,ip,in_port=1,actions=output:2\npriority=9,ip,in_port=2,actions=output:1\n");
        folder.Write("before.json", ResultsJson.Write(SampleResults.File(SampleResults.Row("s1_uni", 40, 41, 42) with { Offload = "none" })));
        folder.Write("after.json", ResultsJson.Write(SampleResults.File(SampleResults.Row("s1_uni", 40, 41, 42) with { Offload = "none" })));
        folder.Write("turns.tsv", "scenario\tMpps_med\tmin\tmax\tcyc_med\tother_cpu%_max\tpeer_Mpps\tpeer_min\tpeer_max\tpeer_cyc\nS1\t20\t19\t21\t122\t0.4\t80\t79\t82\t31\n");
        using PcapWriter writer = new(folder["capture.pcap"]);
        for (uint i = 0; i < 64; i++)
        {
            bool isReply = i % 2 == 1;
            (uint from, uint to) = isReply ? (0x0a000002u, 0x0a000001u) : (0x0a000001u, 0x0a000002u);
            writer.Write(FrameBuilder.Build(from, to, (ushort)(isReply ? 53 : 1000 + (i / 2 % 4)), (ushort)(isReply ? 1000 + (i / 2 % 4) : 53)), i * 1_000_000);
        }

        return folder;
    }

    /// <summary>Runs <c>mergeflow</c> or <c>./run-perf.sh</c> (the program behind it), with assignments in front as its environment.</summary>
    public static (int Code, string Output, string Error) Run(TemporaryFolder folder, string line)
    {
        string[] words = line.Split(' ');
        string[] assignments = [.. words.TakeWhile(static w => char.IsAsciiLetterUpper(w[0]) && w.Contains('='))];
        string program = words[assignments.Length] == "mergeflow" ? typeof(App).Assembly.Location : typeof(PerfApp).Assembly.Location;
        return Process(folder, "dotnet", [program, .. words[(assignments.Length + 1)..]], assignments);
    }

    /// <summary>Runs any program there.</summary>
    public static (int Code, string Output, string Error) Process(TemporaryFolder folder, string program, string[] arguments, params string[] assignments)
    {
        ProcessStartInfo start = new(program, arguments) { WorkingDirectory = folder[""], RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (string[] assignment in assignments.Prepend($"HOME={folder["home"]}").Select(static a => a.Split('=', 2))) start.Environment[assignment[0]] = assignment[1];
        start.Environment.Remove("XDG_DATA_HOME");
        start.Environment.Remove("XDG_CONFIG_HOME");
        using Process process = System.Diagnostics.Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    /// <summary>Whether a program is installed.</summary>
    public static bool Has(string program)
        => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => folder.Length > 0 && File.Exists(Path.Combine(folder, program)));
}
