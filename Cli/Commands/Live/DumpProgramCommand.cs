using System.CommandLine;
using System.Globalization;
using Mergeflow.Native;
using Mergeflow.Nic;

namespace Mergeflow.Cli;

/// <summary><c>dump-program</c>: the BPF program that a running switch has in the kernel, as <c>bpftool prog dump xlated</c> prints one.</summary>
internal static class DumpProgramCommand
{
    public static Command Create()
    {
        Option<bool> log = new("--verifier") { Description = "Print what the kernel's verifier says of the program instead." };
        return LiveCommand.Create("dump-program", "Print the program that carries out merged rules in the kernel.", (inside, parsed) => Show(inside, parsed.GetValue(log)), [log]);
    }

    private static int Show(LiveInvocation inside, bool wantsLog)
    {
        if (inside.Switch.Datapath.Kernel is not { } kernel) throw new CommandFailedException(ExitCode.NotSeen, "there is no program in the kernel: the switch runs without --offload kernel");
        BpfInstruction[] program = [.. kernel.Program];
        inside.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{program.Length} instructions for {kernel.TemplateCount} masks, {kernel.RuleCount} rules"));
        inside.Output.Write(wantsLog ? kernel.Explain() : BpfDisassembler.Print(program));
        return ExitCode.Ok;
    }
}
