using System.CommandLine;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow offload</c>: what the offload did in a replay, and why not more.</summary>
internal static class OffloadCommand
{
    public static Command Create(CancellationToken interrupted) => new("offload", "Merged rules: what was offloaded, and why not the rest.")
    {
        OffloadShowCommand.Create(interrupted),
        OffloadStatsCommand.Create(interrupted),
        OffloadWhyCommand.Create(interrupted),
        OffloadExplainCommand.Create(interrupted),
        OffloadAuditCommand.Create(interrupted),
    };
}
