using System.Reflection;
using Mergeflow.Native;
using Xunit;
using Xunit.v3;

[assembly: Mergeflow.Tests.SeedOnFailure]

namespace Mergeflow.Tests;

/// <summary>A test that fails says with which seed it ran; set as an environment variable it runs so again.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class SeedOnFailureAttribute : BeforeAfterTestAttribute
{
    /// <inheritdoc/>
    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        ITestContext context = TestContext.Current;
        if (context.TestState?.Result == TestResult.Failed) context.TestOutputHelper?.WriteLine($"to run it again: {ProcessSeed.Text}");
    }
}
