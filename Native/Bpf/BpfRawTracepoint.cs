using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Mergeflow.Native;

/// <summary>A program at a tracepoint of the kernel (<c>BPF_RAW_TRACEPOINT_OPEN</c>): it runs each time, whoever causes it. Gone when this object is disposed, and with the process.</summary>
public sealed unsafe class BpfRawTracepoint : IDisposable
{
    private readonly SafeFileHandle _handle;

    /// <summary>Puts <paramref name="program"/> at a tracepoint.</summary>
    /// <param name="program">Of the kind <see cref="BpfProgramType.RawTracepoint"/>.</param>
    /// <param name="name">E.g. <c>kfree_skb</c>.</param>
    /// <exception cref="BpfException">The kernel refuses: EPERM without CAP_PERFMON, ENOENT there is no such tracepoint.</exception>
    public BpfRawTracepoint(BpfProgram program, string name)
    {
        BpfAttributes a = default;
        fixed (byte* n = Encoding.ASCII.GetBytes(name + '\0'))
        {
            a.Quads[0] = (ulong)n;
            a.Words[2] = (uint)program.Descriptor;
            int fd = BpfCalls.Call(BpfCalls.RawTracepointOpen, &a);
            if (fd < 0) throw BpfCalls.Failure($"RAW_TRACEPOINT_OPEN {name}");
            _handle = new SafeFileHandle(fd, ownsHandle: true);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();
}
