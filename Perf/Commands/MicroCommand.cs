using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Filters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Mathematics;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Mergeflow.Native;
using Perfolizer.Horology;

namespace Mergeflow.Perf;

/// <summary><c>micro [FILTER]</c>: one step of the packet path each, under BenchmarkDotNet.</summary>
internal static class MicroCommand
{
    private static readonly Type[] s_groups =
        [typeof(ExtractBenchmarks), typeof(LookupBenchmarks), typeof(ConntrackBenchmarks), typeof(MergedBenchmarks), typeof(NicBenchmarks)];

    public static Command Create(TextWriter output, CancellationToken interrupted)
    {
        Argument<string> filter = new("FILTER") { Description = "Part of a benchmark's name; * stands for anything.", DefaultValueFactory = _ => "" };
        Command command = new("micro", "Micro-benchmarks of the steps of the packet path, ns per packet.") { filter };
        command.SetAction(parsed =>
        {
            string folder = Path.Combine(Path.GetTempPath(), $"mergeflow-micro-{Environment.ProcessId}");
            try
            {
                return Run(parsed.GetValue(filter)!, folder, output, interrupted);
            }
            finally
            {
                if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            }
        });
        return command;
    }

    private static int Run(string filter, string folder, TextWriter output, CancellationToken interrupted)
    {
        var fits = new Regex(Regex.Escape(filter).Replace("\\*", ".*"), RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);
        int found = 0;
        bool failed = false;
        foreach (Type group in s_groups)
        {
            interrupted.ThrowIfCancellationRequested();
            Summary summary = BenchmarkRunner.Run(group, Config(folder, fits));
            foreach (BenchmarkReport report in summary.Reports)
            {
                if (found++ == 0) output.WriteLine($"{"ns per packet",-36} {"median",9} {"min",9} {"max",9} {"cycles",9}");
                failed |= report.ResultStatistics is null;
                output.WriteLine(Line(report));
            }
        }

        if (found == 0) throw PerfException.Usage($"no micro-benchmark fits \"{filter}\"");
        return failed ? PerfExitCode.Failed : PerfExitCode.Ok;
    }

    private static string Line(BenchmarkReport report)
    {
        BenchmarkCase c = report.BenchmarkCase;
        string name = c.Descriptor.WorkloadMethod.Name + (c.HasParameters ? " " + string.Join(' ', c.Parameters.Items.Select(p => p.Value)) : "");
        if (report.ResultStatistics is not Statistics s) return $"{name,-36} failed";
        double cycles = s.Median * TscClock.FrequencyHz / 1e9;
        return string.Create(CultureInfo.InvariantCulture, $"{name,-36} {s.Median,9:F2} {s.Min,9:F2} {s.Max,9:F2} {cycles,9:F1}");
    }

    /// <summary>In this process: the settings of the runtime are the shipped ones, and no project has to be generated and built.</summary>
    private static ManualConfig Config(string folder, Regex fits) => ManualConfig.CreateEmpty()
        .AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithWarmupCount(5).WithIterationCount(10).WithIterationTime(TimeInterval.FromMilliseconds(200)))
        .AddFilter(new SimpleFilter(c => fits.IsMatch($"{c.Descriptor.Type.Name}.{c.Descriptor.WorkloadMethod.Name}")))
        .AddLogger(NullLogger.Instance)
        .WithArtifactsPath(folder)
        .WithOptions(ConfigOptions.DisableOptimizationsValidator);
}
