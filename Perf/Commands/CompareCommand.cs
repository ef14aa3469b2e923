using System.CommandLine;
using Mergeflow.Cli;

namespace Mergeflow.Perf;

/// <summary><c>compare A B</c>: two results files.</summary>
internal static class CompareCommand
{
    public static Command Create(TextWriter output)
    {
        Argument<string> before = new("A") { Description = "results.json of before." };
        Argument<string> after = new("B") { Description = "results.json of now." };
        NumberOption<double> threshold = new("--threshold") { HelpName = "PCT", Description = "Slowdown that counts, percent.", DefaultValueFactory = _ => 5 };
        Command command = new("compare", "Compare two results files. Exit 0 same or better, 1 slower, 2 too noisy to tell.") { before, after };
        command.Options.Add(threshold);
        command.SetAction(parsed =>
        {
            double percent = parsed.GetValue(threshold);
            if (percent is not (>= 0 and <= 1000)) throw PerfException.Usage("--threshold: expected 0 to 1000");
            Comparison comparison = Comparison.Of(ResultsJson.Load(parsed.GetRequiredValue(before)), ResultsJson.Load(parsed.GetRequiredValue(after)), percent / 100);
            ComparisonTable.Print(TextTable.ConsoleOn(output), comparison);
            return comparison.ExitCode;
        });
        return command;
    }
}
