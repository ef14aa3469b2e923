using Mergeflow.Native;

namespace Mergeflow.Nic;

/// <remarks>What only tests use.</remarks>
public sealed partial class KernelNic
{
    /// <summary><see cref="Edit"/> of the devices that this flow of control makes.</summary>
    internal static readonly AsyncLocal<Func<BpfInstruction[], BpfInstruction[]>?> Broken = new();

    /// <summary>Breaks the program before it is loaded; null = it is as it was written.</summary>
    internal Func<BpfInstruction[], BpfInstruction[]>? Edit { get; set; } = Broken.Value;

    /// <summary>Makes the rings for copies of hits.</summary>
    internal Func<KernelSamples> NewSamples { get; set; } = static () => new KernelSamples(KernelMemory.PossibleProcessors());
}
