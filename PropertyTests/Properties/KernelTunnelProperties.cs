using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>The kernel's program with rules of tunnels: what leaves is what software and <see cref="RefTunnels"/> say, and everything is counted.</summary>
public sealed class KernelTunnelProperties(ITestOutputHelper output)
{
    private const int Seeds = 2;

    [Theory]
    [InlineData(BpfAttachPoint.TcxIngress, false)]
    [InlineData(BpfAttachPoint.TcxIngress, true)]
    [InlineData(BpfAttachPoint.Xdp, false)]
    [InlineData(BpfAttachPoint.Xdp, true)]
    public void What_leaves_by_rules_in_the_kernel_is_what_the_model_says(BpfAttachPoint form, bool isTracked)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) Assert.Skip("needs root: bpf(2)");
        ulong hits = 0, frames = 0, byKernel = 0;
        for (int seed = 1; seed <= Seeds; seed++)
        {
            TunnelBed? bed = null;
            (ulong h, ulong f) = TunnelMergeProperties.Play(seed, isTracked, () => bed = new TunnelBed(OffloadMode.Kernel, form), mostlyOneOutput: true);
            (hits, frames, byKernel) = (hits + h, frames + f, byKernel + bed!.KernelHits);
        }

        output.WriteLine($"{frames} frames, {byKernel} by the kernel's program");
        Assert.Equal(byKernel, hits);
        Assert.True(byKernel * 8 > frames, $"only {byKernel} of {frames} frames were taken by the kernel's program");
    }
}
