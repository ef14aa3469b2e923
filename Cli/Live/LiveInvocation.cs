using System.CommandLine;
using Mergeflow.Control;

namespace Mergeflow.Cli;

/// <summary>A command that runs inside the switch it is about, because a client asked for it.</summary>
/// <param name="live">The switch.</param>
/// <param name="attachment">What the client has read for it: a file of flows.</param>
internal sealed class LiveInvocation(RunningSwitch live, string attachment) : InvocationConfiguration
{
    /// <summary>The switch.</summary>
    public RunningSwitch Switch { get; } = live;

    /// <summary>What the client has read for it; empty = nothing.</summary>
    public string Attachment { get; } = attachment;

    /// <summary>The switch that a command runs in; null = none.</summary>
    public static LiveInvocation? Of(ParseResult parsed) => parsed.InvocationConfiguration as LiveInvocation;
}
