using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>Whether the program may run on a processor at all.</summary>
public static class ProcessorSupport
{
    /// <summary>
    /// Null, or one line that says why not. The lock-free protocols take it that stores are seen in their order, loads are made in theirs, and 64-bit words
    /// are whole: x86-64 promises that, and nowhere else have they been looked at.
    /// </summary>
    public static string? Refusal(Architecture architecture)
        => architecture == Architecture.X64 ? null : $"this processor is {architecture}: the protocols between threads are right on x86-64 only";
}
